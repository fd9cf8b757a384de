//! Networks that users make: containers on them find each other by name, and nobody else does.

use crate::lifecycle::reboot;
use crate::network::{WEB, fetch};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::json;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tests::{Invocation, Sampan, eventually, isolated};

/// Where a container's resolver is.
const RESOLVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);
/// Types of questions.
const A: u16 = 1;
const PTR: u16 = 12;
const AAAA: u16 = 28;

fn make(sampan: &Sampan, options: &[&str], name: &str) -> String {
    let words: Vec<&str> = ["network", "create"].iter().chain(options).copied().chain([name]).collect();
    sampan.run(words).ok().word()
}

/// Whether a container finds `http://NAME/` and gets its page: the name is asked of its resolver, then the address.
/// busybox itself is static and cannot look names up.
fn finds(sampan: &Sampan, container: &str, name: &str) -> bool {
    inside(sampan, container, || {
        (0..20).any(|round| {
            thread::sleep(Duration::from_millis(if round == 0 { 0 } else { 100 }));
            let (_, found) = ask(name, A);
            let address = found.first().and_then(|text| text.parse().ok());
            address.and_then(|address| fetch(address, 80)).is_some_and(|page| page.contains("hello"))
        })
    })
}

fn address(sampan: &Sampan, container: &str, network: &str) -> String {
    sampan.field(container, &format!("{{{{.NetworkSettings.Networks.{network}.IPAddress}}}}"))
}

/// Runs `body` in the network namespace of a container.
fn inside<T: Send>(sampan: &Sampan, container: &str, body: impl FnOnce() -> T + Send) -> T {
    let pid = sampan.field(container, "{{.State.Pid}}");
    let namespace = File::open(format!("/proc/{pid}/ns/net")).unwrap();
    thread::scope(|scope| {
        let entered = scope.spawn(|| {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            body()
        });
        entered.join().unwrap()
    })
}

fn question(id: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut bytes = [&id.to_be_bytes()[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    bytes
}

/// A socket to the resolver, in the caller's namespace.
fn resolver() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(6))).unwrap();
    socket.connect(RESOLVER).unwrap();
    socket
}

/// Asks over UDP in the caller's namespace: the code and the addresses of the answer.
fn ask(name: &str, kind: u16) -> (u8, Vec<String>) {
    let query = question(77, name, kind);
    let socket = resolver();
    socket.send(&query).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    read(&query, &buffer[..length])
}

/// The same over TCP.
fn ask_over_tcp(name: &str, kind: u16) -> (u8, Vec<String>) {
    let query = question(78, name, kind);
    let mut stream = TcpStream::connect(RESOLVER).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(6))).unwrap();
    stream.write_all(&u16::try_from(query.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&query).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).unwrap();
    read(&query, &answer)
}

fn read(query: &[u8], answer: &[u8]) -> (u8, Vec<String>) {
    assert_eq!((&answer[..2], &answer[12..query.len()]), (&query[..2], &query[12..]), "another answer");
    let count = u16::from_be_bytes([answer[6], answer[7]]);
    let mut at = query.len();
    let mut found = Vec::new();
    for _ in 0..count {
        // A pointer to the name, type, class, time to live, length.
        let kind = u16::from_be_bytes([answer[at + 2], answer[at + 3]]);
        let length = usize::from(u16::from_be_bytes([answer[at + 10], answer[at + 11]]));
        let data = &answer[at + 12..at + 12 + length];
        found.push(match kind {
            A => Ipv4Addr::from(<[u8; 4]>::try_from(data).unwrap()).to_string(),
            _ => labels(data),
        });
        at += 12 + length;
    }
    (answer[3] & 15, found)
}

fn labels(mut data: &[u8]) -> String {
    let mut labels = Vec::new();
    while let [length, rest @ ..] = data
        && *length > 0
    {
        let (label, behind) = rest.split_at(usize::from(*length));
        labels.push(String::from_utf8(label.to_vec()).unwrap());
        data = behind;
    }
    labels.join(".")
}

/// A name server on the host's loopback that gives 192.0.2.7 for every name, datagrams and connections.
fn serve_names(sampan: &Sampan) -> NameServer {
    let file = sampan.directory().join("resolv.conf");
    fs::write(&file, "nameserver 127.0.0.1\nsearch corp.example\n").unwrap();
    let _ = Invocation::new("mount", ["--bind", file.to_str().unwrap(), "/etc/resolv.conf"]).run().ok();
    let answer = |query: &[u8]| {
        let mut answer = query[..12].to_vec();
        answer[2] |= 0x80;
        answer[7] = 1;
        answer[8..12].fill(0);
        // The question ends behind its first zero, type and class.
        let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
        answer.extend(&query[12..end]);
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
        answer
    };
    let stop = Arc::new(AtomicBool::new(false));
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let stopped = Arc::clone(&stop);
    let datagrams = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while !stopped.load(Ordering::Relaxed) {
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&answer(&buffer[..length]), from);
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:53").unwrap();
    listener.set_nonblocking(true).unwrap();
    let stopped = Arc::clone(&stop);
    let connections = thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            let Ok((mut stream, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            stream.set_nonblocking(false).unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut query = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut query).unwrap();
            let answer = answer(&query);
            stream.write_all(&u16::try_from(answer.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&answer).unwrap();
        }
    });
    NameServer { stop, threads: vec![datagrams, connections] }
}

/// A name server that ends when this is dropped.
struct NameServer {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
        let _ = Invocation::new("umount", ["/etc/resolv.conf"]).run();
    }
}

#[test]
fn containers_find_each_other_by_name() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &[], "front");
        let options = ["--network", "front", "--name", "web", "--hostname", "shop", "--network-alias", "www"];
        let web = sampan.background(&options, WEB);
        let client = sampan.background(&["--network", "front", "--name", "client"], "sleep 1000");
        for name in ["web", "WEB", "www", "shop", &web[..12], "web.front"] {
            assert!(finds(sampan, &client, name));
        }
        let _ = sampan.inside(&client, "cat /etc/resolv.conf").ok().shows("nameserver 127.0.0.11\n");
        let own = address(sampan, "web", "front");
        inside(sampan, &client, || {
            assert_eq!(ask("web", A), (0, vec![own.clone()]));
            assert_eq!(ask_over_tcp("web", A), (0, vec![own.clone()]));
            assert_eq!(ask("web", AAAA), (0, vec![]));
            let reversed: Vec<&str> = own.split('.').rev().collect();
            let name = format!("{}.in-addr.arpa", reversed.join("."));
            assert_eq!(ask(&name, PTR), (0, vec!["web.front".to_owned()]));
        });
        // Nobody else knows the name, and who has ended has none.
        let bystander = sampan.background(&["--network", "bridge"], "sleep 1000");
        let _ = sampan.inside(&bystander, "cat /etc/resolv.conf").ok().lacks("127.0.0.11");
        inside(sampan, &bystander, || {
            assert!(
                resolver().send(&question(1, "web", A)).is_err() || resolver().recv(&mut [0; 9]).is_err()
            );
        });
        let _ = sampan.run(["stop", "-t", "0", "web"]).ok();
        inside(sampan, &client, || assert_ne!(ask("web", A).1, std::slice::from_ref(&own)));
        let _ = sampan.run(["start", "web"]).ok();
        assert!(finds(sampan, &client, "web"));
        let _ = sampan.run(["rename", "web", "store"]).ok();
        assert!(finds(sampan, &client, "store"));
        inside(sampan, &client, || assert_ne!(ask("web", A).1, [own]));
    });
}

#[test]
fn several_containers_share_an_alias() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &[], "pool");
        let options = ["--network", "name=pool,alias=worker"];
        let workers: Vec<String> = (0..3).map(|_| sampan.background(&options, "sleep 1000")).collect();
        let mut expected: Vec<String> =
            workers.iter().map(|worker| address(sampan, worker, "pool")).collect();
        let firsts: Vec<String> = inside(sampan, &workers[0], || {
            (0..6)
                .map(|_| {
                    let (code, mut found) = ask("worker", A);
                    let first = found[0].clone();
                    found.sort();
                    expected.sort();
                    assert_eq!((code, &found), (0, &expected));
                    first
                })
                .collect()
        });
        assert!(expected.iter().all(|one| firsts.contains(one)), "not in turn: {firsts:?}");
    });
}

#[test]
fn other_names_are_asked_of_the_hosts_servers() {
    isolated(|sampan| {
        sampan.load_busybox();
        let server = serve_names(sampan);
        let _ = make(sampan, &[], "front");
        let _ = make(sampan, &["--internal"], "closed");
        let open = sampan.background(&["--network", "front"], "sleep 1000");
        let closed = sampan.background(&["--network", "closed", "--name", "quiet"], "sleep 1000");
        let outside = || (0, vec!["192.0.2.7".to_owned()]);
        inside(sampan, &open, || {
            assert_eq!(ask("example.org", A), outside());
            assert_eq!(ask_over_tcp("example.org", A), outside());
        });
        let _ = sampan.inside(&open, "cat /etc/resolv.conf").ok().shows("search corp.example");
        // No way out is none for names either, but for those of the network itself.
        inside(sampan, &closed, || {
            assert_eq!(ask("example.org", A), (2, vec![]));
            assert_eq!(ask("quiet", A).1.len(), 1);
        });
        drop(server);
    });
}

#[test]
fn hostile_packets_and_a_killed_resolver_do_no_harm() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &[], "front");
        let id = sampan.background(&["--network", "front", "--name", "one"], "sleep 1000");
        let own = vec![address(sampan, &id, "front")];
        inside(sampan, &id, || {
            let socket = resolver();
            let good = question(1, "one", A);
            for at in 0..good.len() {
                for value in [0, 1, 63, 64, 127, 192, 255] {
                    let mut bytes = good.clone();
                    bytes[at] = value;
                    socket.send(&bytes).unwrap();
                }
                socket.send(&good[..at]).unwrap();
            }
            let mut stream = TcpStream::connect(RESOLVER).unwrap();
            stream.write_all(&[0xff; 70_000]).unwrap();
            assert_eq!(ask("one", A), (0, own.clone()));
            // The container's own programs may have port 53.
            drop(UdpSocket::bind("0.0.0.0:53").unwrap());
            assert_eq!(ask("one", A), (0, own.clone()));
        });
        let servants = servants();
        assert_eq!(servants.len(), 1);
        let status = fs::read_to_string(format!("/proc/{}/status", servants[0])).unwrap();
        for line in
            ["Uid:\t65534\t65534\t65534\t65534", "CapEff:\t0000000000000000", "Seccomp:\t2", "NoNewPrivs:\t1"]
        {
            assert!(status.contains(line), "no {line:?} in {status}");
        }
        let _ = Invocation::new("kill", ["-9", &servants[0]]).run().ok();
        inside(sampan, &id, || assert_eq!(ask("one", A), (0, own.clone())));
        let monitor = monitor_of(sampan, &id);
        let _ = Invocation::new("kill", ["-9", &monitor]).run().ok();
        let _ = sampan.run(["system", "check", "--repair"]);
        inside(sampan, &id, || assert_eq!(ask("one", A), (0, own)));
        let _ = sampan.run(["rm", "-f", "one"]).ok();
        eventually("the resolver has ended", || self::servants().is_empty());
    });
}

/// The monitor of a container, by the fact that it wrote (docs/on-disk-formats.md).
fn monitor_of(sampan: &Sampan, id: &str) -> String {
    let path = sampan.data_root().join("containers").join(id).join("started.json");
    let fact: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    fact["monitor_pid"].to_string()
}

/// Process ids of resolvers.
fn servants() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let is_servant = |process: &fs::DirEntry| {
        fs::read(process.path().join("cmdline")).is_ok_and(|line| line == b"sampan-runtime\0resolve\0")
    };
    processes.filter(is_servant).map(|process| process.file_name().into_string().unwrap()).collect()
}

#[test]
fn networks_are_kept_apart() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &[], "front");
        let _ = make(sampan, &[], "back");
        let _ = make(sampan, &["--internal"], "closed");
        let _ = make(sampan, &["--opt", "com.docker.network.bridge.enable_icc=false"], "shy");
        let web = |network: &str| {
            let id = sampan.background(&["--network", network, "--name", &format!("web-{network}")], WEB);
            let client = sampan.background(&["--network", network], "sleep 1000");
            (address(sampan, &id, network), client)
        };
        let [front, back, closed, shy] = ["front", "back", "closed", "shy"].map(web);
        assert!(finds(sampan, &front.1, "web-front"));
        assert!(finds(sampan, &closed.1, "web-closed"));
        let reach = |client: &str, address: &str| {
            sampan.inside(client, &format!("wget -T 1 -qO- http://{address}/")).code() == 0
        };
        assert!(!reach(&front.1, &back.0) && !reach(&back.1, &front.0));
        assert!(!reach(&closed.1, &front.0) && !reach(&front.1, &closed.0));
        assert!(!reach(&shy.1, &shy.0));
        let _ = sampan.inside(&closed.1, "ip route").ok().lacks("default");
        // The host reaches those that it may.
        assert!(fetch(front.0.parse().unwrap(), 80).is_some());
    });
}

#[test]
fn a_running_container_is_connected_and_disconnected() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &[], "alpha");
        let _ = make(sampan, &[], "beta");
        let _ = sampan.background(&["--network", "alpha", "--name", "web", "-p", "8080:80"], WEB);
        let client = sampan.background(&["--network", "beta", "--name", "client"], "sleep 1000");
        inside(sampan, &client, || assert!(ask("web", A).1.is_empty()));
        let _ = sampan.run(["network", "connect", "--alias", "shop", "beta", "web"]).ok().prints("");
        for name in ["web", "shop"] {
            assert!(finds(sampan, &client, name));
        }
        let _ = sampan.inside("web", "ip -o -4 addr show eth1").ok().shows(&address(sampan, "web", "beta"));
        let _ = sampan.inside("web", "cat /etc/hosts").ok().shows(&address(sampan, "web", "beta"));
        let _ = sampan
            .run(["network", "connect", "beta", "web"])
            .fails_with(1)
            .says("already exists in network beta");
        // The first by name has the default route; the next takes over, and the published port with it.
        let route = || sampan.inside("web", "ip route").ok().stdout();
        assert!(route().contains("default via") && route().contains("dev eth0"), "{}", route());
        let _ = sampan.run(["network", "disconnect", "alpha", "web"]).ok().prints("");
        assert!(
            route().lines().any(|line| line.starts_with("default") && line.contains("eth1")),
            "{}",
            route()
        );
        let _ = sampan.inside("web", "ls /sys/class/net").ok().prints("eth1\nlo\n");
        eventually("the port leads to the other network", || fetch(Ipv4Addr::LOCALHOST, 8080).is_some());
        assert!(finds(sampan, &client, "web"));
        let _ = sampan
            .run(["network", "disconnect", "alpha", "web"])
            .fails_with(1)
            .says("is not connected to network alpha");
        // What was said of a running container holds after its next start, too.
        let _ = sampan.run(["restart", "-t", "0", "web"]).ok();
        assert!(finds(sampan, &client, "shop"));
        let _ = sampan.run(["stop", "-t", "0", "web"]).ok();
        let _ = sampan.run(["network", "disconnect", "beta", "web"]).ok();
        let _ = sampan.run(["network", "connect", "alpha", "web"]).ok();
        let _ = sampan.run(["start", "web"]).ok();
        assert_eq!(sampan.inspected("web")["NetworkSettings"]["Networks"].as_object().unwrap().len(), 1);
        let words = [
            "events",
            "--since",
            "1h",
            "--until",
            "0s",
            "--filter",
            "type=network",
            "--format",
            "{{.Action}} {{.Actor.Attributes.name}}",
        ];
        let events = sampan.run(words).ok().stdout();
        for line in ["create alpha", "connect alpha", "connect beta", "disconnect alpha"] {
            assert!(events.lines().any(|seen| seen == line), "no {line:?} in {events}");
        }
    });
}

#[test]
fn the_default_network_and_ones_own_go_together() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &[], "front");
        let _ = sampan.background(&["--network", "front", "--name", "web"], WEB);
        let client = sampan.background(&["--network", "bridge", "--name", "client"], "sleep 1000");
        let _ = sampan.run(["network", "connect", "front", "client"]).ok();
        assert!(finds(sampan, &client, "web"));
        let _ = sampan.run(["network", "disconnect", "front", "client"]).ok();
        let _ = sampan.inside(&client, "cat /etc/resolv.conf").ok().lacks("127.0.0.11");
        let _ = sampan.run(["network", "disconnect", "bridge", "client"]).ok();
        let _ = sampan.inside(&client, "ls /sys/class/net").ok().prints("lo\n");
        for (mode, text) in [("none", "private (none) mode"), ("host", "sharing network namespace")] {
            let id = sampan.background(&["--network", mode], "sleep 1000");
            let _ = sampan.run(["network", "connect", "front", &id]).fails_with(1).says(text).says_one_line();
        }
    });
}

#[test]
fn a_container_is_on_several_networks() {
    isolated(|sampan| {
        sampan.load_busybox();
        for name in ["one", "two", "three"] {
            let _ = make(sampan, &[], name);
        }
        let options = [
            "--network",
            "two",
            "--network",
            "name=three,gw-priority=5",
            "--network",
            "one",
            "--name",
            "all",
        ];
        let _ = sampan.background(&options, "sleep 1000");
        let _ = sampan.inside("all", "ls /sys/class/net").ok().prints("eth0\neth1\neth2\nlo\n");
        let _ = sampan.inside("all", "ip -o -4 addr show eth0").ok().shows(&address(sampan, "all", "two"));
        let gateway = sampan.field("all", "{{.NetworkSettings.Networks.three.Gateway}}");
        let _ = sampan.inside("all", "ip route").ok().shows(&format!("default via {gateway} "));
        let _ = sampan.run(["ps", "--format", "{{.Networks}}"]).ok().prints("one,three,two\n");
        let twice = ["--network", "one", "--network", "one"];
        let _ = sampan
            .busybox(&twice, "true")
            .fails_with(125)
            .says("is specified multiple times")
            .says_one_line();
        let both = ["--network", "one", "--network", "bridge"];
        let _ = sampan.busybox(&both, "true").fails_with(125).says("cannot attach both user-defined");
    });
}

#[test]
fn networks_are_made_listed_inspected_and_removed() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = make(
            sampan,
            &[
                "--subnet",
                "10.77.0.0/24",
                "--gateway",
                "10.77.0.254",
                "--ip-range",
                "10.77.0.128/25",
                "--aux-address",
                "router=10.77.0.129",
                "--label",
                "team=a",
                "-o",
                "com.docker.network.driver.mtu=1400",
            ],
            "mine",
        );
        assert_eq!(id.len(), 64);
        let _ = sampan
            .run(["network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"])
            .ok()
            .prints("bridge bridge local\nhost host local\nmine bridge local\nnone null local\n");
        let table = sampan.run(["network", "ls"]).ok().stdout();
        assert!(table.starts_with("NETWORK ID     NAME      DRIVER    SCOPE\n"), "{table}");
        assert!(table.contains(&format!("{}   mine      bridge    local\n", &id[..12])), "{table}");
        for (filter, expected) in [
            ("name=min", "mine"),
            ("type=custom", "mine"),
            ("label=team=a", "mine"),
            ("driver=null", "none"),
            ("dangling=true", "mine"),
        ] {
            let words = ["network", "ls", "--filter", filter, "--format", "{{.Name}}"];
            let _ = sampan.run(words).ok().prints(&format!("{expected}\n"));
        }
        let _ = sampan.run(["network", "ls", "--filter", "type=x"]).fails_with(1).says("invalid filter");
        let container = sampan.background(&["--network", "mine", "--name", "web"], "sleep 1000");
        let network = sampan.run(["network", "inspect", "mine"]).ok().json()[0].clone();
        assert_eq!(
            network["IPAM"],
            json!({"Driver": "default", "Options": {}, "Config": [{
            "Subnet": "10.77.0.0/24", "IPRange": "10.77.0.128/25", "Gateway": "10.77.0.254",
            "AuxiliaryAddresses": {"router": "10.77.0.129"}}]})
        );
        assert_eq!(
            (&network["Driver"], &network["Internal"], &network["EnableIPv6"]),
            (&json!("bridge"), &json!(false), &json!(false))
        );
        assert_eq!((&network["Id"], &network["Labels"]), (&json!(id), &json!({"team": "a"})));
        let member = &network["Containers"][&container];
        assert_eq!((&member["Name"], &member["IPv4Address"]), (&json!("web"), &json!("10.77.0.128/24")));
        let _ = sampan.inside("web", "ip link show eth0").ok().shows("mtu 1400");
        let _ = sampan
            .run(["inspect", "--type", "network", "--format", "{{.Name}}", &id[..8]])
            .ok()
            .prints("mine\n");
        let _ = sampan
            .run(["network", "rm", "mine"])
            .fails_with(1)
            .says("has active endpoints (name:\"web\" id:");
        let _ = sampan.run(["rm", "-f", "web"]).ok();
        let _ = sampan.run(["network", "rm", &id[..12]]).ok().prints(&format!("{}\n", &id[..12]));
        let _ = sampan
            .run(["network", "rm", "mine"])
            .fails_with(1)
            .says("network mine not found")
            .says_one_line();
        let _ = sampan.run(["network", "rm", "-f", "mine"]).ok();
        for name in ["bridge", "host", "none"] {
            let _ = sampan
                .run(["network", "rm", name])
                .fails_with(1)
                .says("is a pre-defined network and cannot be removed");
        }
    });
}

#[test]
fn what_makes_no_network_is_said_and_changes_nothing() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(
            sampan,
            &["--subnet", "10.78.0.0/16", "-o", "com.docker.network.bridge.name=mybridge"],
            "there",
        );
        let before = sampan.settled_census();
        for (options, text) in [
            (&["there"][..], "network with name there already exists"),
            (&["bridge"], "network with name bridge already exists"),
            (&["-d", "host", "x"], "only one instance of \"host\" network is allowed"),
            (&["-d", "overlay", "x"], "\"overlay\" not found"),
            (&["--subnet", "10.78.9.0/24", "x"], "Pool overlaps with other one on this address space"),
            (&["--subnet", "10.79.0.1/24", "x"], "invalid subnet 10.79.0.1/24: it should be 10.79.0.0/24"),
            (&["--subnet", "10.79.0.0/33", "x"], "10.79.0.0/33"),
            (&["--subnet", "10.79.0.0/24", "--gateway", "10.80.0.1", "x"], "10.80.0.1"),
            (&["--gateway", "10.80.0.1", "x"], "no matching subnet for gateway 10.80.0.1"),
            (&["-o", "com.docker.network.bridge.name=mybridge", "x"], "mybridge"),
            (&["-o", "com.docker.network.bridge.enable_icc=perhaps", "x"], "enable_icc"),
            (&["-o", "a.b.c=1", "x"], "network option a.b.c is not supported"),
            (&["--ipv6", "x"], "--ipv6"),
            (&["--attachable", "x"], "--attachable"),
            (&["a b"], "a b"),
        ] {
            let words: Vec<&str> = ["network", "create"].iter().chain(options).copied().collect();
            let outcome = sampan.run(words);
            assert_ne!(outcome.code(), 0, "{outcome}");
            let _ = outcome.says(text).says_one_line();
        }
        sampan.require_no_leak_since(&before, tests::census::Census::clone);
        let _ = sampan
            .busybox(&["--network", "there", "--ip", "10.99.0.1"], "true")
            .fails_with(125)
            .says("10.99.0.1");
    });
}

#[test]
fn addresses_are_asked_for() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &["--subnet", "10.81.0.0/24"], "fixed");
        let _ = make(sampan, &[], "free");
        let mac = "02:42:0a:51:00:4d";
        let options = ["--network", "fixed", "--ip", "10.81.0.77", "--mac-address", mac, "--name", "one"];
        let _ = sampan.background(&options, "sleep 1000");
        let _ = sampan
            .inside("one", "ip -4 -o addr show eth0; cat /sys/class/net/eth0/address")
            .ok()
            .shows("inet 10.81.0.77/24")
            .shows(mac);
        assert_eq!(
            sampan.inspected("one")["NetworkSettings"]["Networks"]["fixed"]["IPAMConfig"],
            json!({"IPv4Address": "10.81.0.77"})
        );
        let taken = ["--network", "name=fixed,ip=10.81.0.77"];
        let _ = sampan.busybox(&taken, "true").fails_with(125).says("10.81.0.77").says_one_line();
        let free = ["--network", "free", "--ip", "10.81.0.78"];
        let _ = sampan.busybox(&free, "true").fails_with(125).says("user configured subnets").says_one_line();
        let _ = sampan.background(&["--network", "free", "--name", "two"], "sleep 1000");
        let _ = sampan.run(["network", "connect", "--ip", "10.81.0.99", "fixed", "two"]).ok();
        assert_eq!(address(sampan, "two", "fixed"), "10.81.0.99");
    });
}

#[test]
fn links_are_names_for_one_container() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &[], "front");
        let _ = sampan.background(&["--network", "front", "--name", "web"], WEB);
        let linked = sampan.background(&["--network", "front", "--link", "web:shop"], "sleep 1000");
        let other = sampan.background(&["--network", "front"], "sleep 1000");
        assert!(finds(sampan, &linked, "shop"));
        inside(sampan, &other, || assert!(ask("shop", A).1.is_empty()));
        // On the default network, which has no resolver, it is a line of /etc/hosts.
        let old = sampan.background(&["--network", "bridge", "--name", "old"], WEB);
        let address = address(sampan, "old", "bridge");
        let shown = sampan.busybox(&["--network", "bridge", "--link", "old:shop"], "cat /etc/hosts").ok();
        let _ = shown.shows(&format!("{address}\tshop {} old", &old[..12]));
        let _ = sampan
            .busybox(&["--network", "bridge", "--link", "nobody"], "true")
            .fails_with(125)
            .says("nobody");
        let _ = sampan.run(["stop", "-t", "0", "old"]).ok();
        let down = sampan.busybox(&["--network", "bridge", "--link", "old"], "true").fails_with(125);
        let _ = down.says("cannot link to a non running container: /old AS").says_one_line();
    });
}

#[test]
fn unused_networks_are_pruned() {
    isolated(|sampan| {
        sampan.load_busybox();
        for name in ["used", "unused", "labelled"] {
            let _ = make(sampan, if name == "labelled" { &["--label", "keep"] } else { &[] }, name);
        }
        let _ = sampan.background(&["--network", "used", "--name", "one"], "sleep 1000");
        let _ = sampan
            .run(["network", "prune", "--filter", "label!=keep", "-f"])
            .ok()
            .prints("Deleted Networks:\nunused\n\n");
        let _ = sampan
            .run(["network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"])
            .ok()
            .prints("labelled\nused\n");
        // A network may go while a container that has ended remembers it.
        let _ = sampan.run(["stop", "-t", "0", "one"]).ok();
        let _ = sampan.run(["network", "prune", "-f"]).ok();
        let _ = sampan.run(["start", "one"]).fails_with(1).says("network used not found").says_one_line();
        let _ = sampan.run(["network", "disconnect", "-f", "used", "one"]).ok();
        let _ = sampan.run(["start", "one"]).ok();
    });
}

#[test]
fn system_prune_takes_unused_networks() {
    isolated(|sampan| {
        sampan.load_busybox();
        for name in ["used", "unused", "labelled"] {
            let _ = make(sampan, if name == "labelled" { &["--label", "keep"] } else { &[] }, name);
        }
        let _ = sampan.background(&["--network", "used", "--name", "one"], "sleep 1000");
        let _ = sampan
            .command(["system", "prune", "--volumes"])
            .input("n\n")
            .run()
            .shows("  - all stopped containers\n  - all networks not used by at least one container\n  - all anonymous volumes not used by at least one container\n  - all dangling images\n");
        let custom = || {
            sampan.run(["network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"]).ok().stdout()
        };
        assert_eq!(custom(), "labelled\nunused\nused\n");
        // Filters hold for networks too, and other kinds of pruning leave them alone.
        for words in
            [&["container", "prune", "-f"][..], &["image", "prune", "-f"], &["volume", "prune", "-f"]]
        {
            let _ = sampan.run(words).ok();
        }
        let _ = sampan.run(["system", "prune", "-f", "--filter", "until=1h"]).ok();
        assert_eq!(custom(), "labelled\nunused\nused\n");
        let kept = sampan.run(["system", "prune", "-f", "--filter", "label!=keep"]).ok();
        let _ = kept.shows("Deleted Networks:\nunused\n\nTotal reclaimed space: ");
        assert_eq!(custom(), "labelled\nused\n");
        // The network of a container that ended goes in the same command as the container.
        let _ = sampan.run(["stop", "-t", "0", "one"]).ok();
        let all = sampan.run(["system", "prune", "-f"]).ok();
        let _ = all.shows("Deleted Networks:\n").shows("\nused\n").shows("\nlabelled\n");
        assert_eq!(custom(), "");
    });
}

#[test]
fn networks_come_back_after_a_boot() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = make(sampan, &["--subnet", "10.82.0.0/24"], "front");
        let _ = sampan.background(
            &["--network", "front", "--name", "web", "--restart", "always"],
            "echo hello > /tmp/index.html; httpd -p 80 -h /tmp; sleep 1000",
        );
        let _ = sampan
            .background(&["--network", "front", "--name", "client", "--restart", "always"], "sleep 1000");
        let before = address(sampan, "web", "front");
        reboot(sampan, 1);
        let _ = sampan.run(["system", "boot"]).ok();
        assert_eq!(address(sampan, "web", "front"), before);
        assert!(finds(sampan, "client", "web"));
        let _ = sampan.run(["system", "check"]).ok();
        let _ = sampan.run(["rm", "--force", "web", "client"]).ok();
        let _ = Invocation::new("umount", ["/proc/sys/kernel/random/boot_id"]).run().ok();
    });
}
