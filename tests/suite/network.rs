//! Containers and the network around them: each other, other hosts, a real web server.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use tests::{Invocation, eventually, fixture, isolated};

/// Serves `hello` on port 80.
pub(crate) const WEB: &str = "echo hello > /tmp/index.html; exec httpd -f -p 80 -h /tmp";

/// A port that nobody uses in this network namespace.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port()
}

/// The whole answer to `GET /`, if there is one.
pub(crate) fn fetch(address: Ipv4Addr, port: u16) -> Option<String> {
    let limit = Duration::from_millis(500);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((address, port)), limit).ok()?;
    stream.set_read_timeout(Some(limit)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\nHost: test\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.starts_with("HTTP/1.").then_some(text)
}

/// Sends every datagram back that comes to the port, inside the network namespace of a process.
pub(crate) fn echo_datagrams(pid: &str, port: u16) -> Echo {
    let namespace = File::open(format!("/proc/{pid}/ns/net")).unwrap();
    let (ready, listens) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::spawn(move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        let socket = UdpSocket::bind(("0.0.0.0", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        ready.send(()).unwrap();
        let mut buffer = [0; 2048];
        while !stopped.load(Ordering::Relaxed) {
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
    });
    listens.recv().unwrap();
    Echo { stop, thread: Some(thread) }
}

/// Somebody who keeps a network namespace alive until this is dropped.
pub(crate) struct Echo {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

/// Another host: a network namespace at the other end of a cable, at 198.51.100.2; this one is 198.51.100.1.
struct Neighbour(Child);

impl Neighbour {
    fn connect() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "sleep", "1000"]).stdin(Stdio::null());
        let neighbour = Self(command.spawn().unwrap());
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        let path = format!("/proc/{}/ns/net", neighbour.0.id());
        eventually("the neighbour has a namespace", || {
            std::fs::read_link(&path).is_ok_and(|link| link != own)
        });
        let pid = neighbour.0.id().to_string();
        tool("ip", &["link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", &pid]);
        tool("ip", &["addr", "add", "198.51.100.1/24", "dev", "cable"]);
        tool("ip", &["link", "set", "cable", "up"]);
        neighbour.does("ip addr add 198.51.100.2/24 dev cable && ip link set cable up && ip route add default via 198.51.100.1");
        neighbour
    }

    fn shell(&self, script: &str) -> tests::Outcome {
        let namespace = format!("--net=/proc/{}/ns/net", self.0.id());
        Invocation::new("nsenter", [&namespace, "sh", "-c", script]).run()
    }

    fn does(&self, script: &str) {
        let _ = self.shell(script).ok();
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        // Gone with the namespace, but only some time later.
        let _ = Command::new("ip").args(["link", "delete", "cable"]).status();
    }
}

fn tool(program: &str, arguments: &[&str]) {
    let _ = Invocation::new(program, arguments).run().ok();
}

#[test]
fn containers_reach_each_other() {
    isolated(|sampan| {
        sampan.load_busybox();
        let web = sampan.background(&["--network", "bridge"], WEB);
        let address = sampan.field(&web, "{{.NetworkSettings.Networks.bridge.IPAddress}}");
        let script = format!(
            "for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://{address}/ && exit; sleep 0.2; done; exit 1"
        );
        let _ = sampan.busybox(&["--network", "bridge"], &script).ok().prints("hello\n");
    });
}

#[test]
fn another_host_reaches_a_published_port_and_nothing_else() {
    isolated(|sampan| {
        sampan.load_busybox();
        let neighbour = Neighbour::connect();
        let id = sampan.background(&["-p", "43000:80", "-p", "127.0.0.1:43001:80"], WEB);
        eventually("the port answers", || fetch(Ipv4Addr::LOCALHOST, 43000).is_some());
        let _ = neighbour.shell("curl -sS --max-time 2 http://198.51.100.1:43000/").ok().prints("hello\n");
        assert_ne!(neighbour.shell("curl -sS --max-time 1 http://198.51.100.1:43001/").code(), 0);
        // Not past the published port, even by somebody who routes to the container's own address.
        let address = sampan.field(&id, "{{.NetworkSettings.Networks.bridge.IPAddress}}");
        let loopback = "ip route add 127.0.0.0/8 via 198.51.100.1 table 9; ";
        assert_ne!(neighbour.shell(&format!("{loopback} curl -sS --max-time 1 http://{address}/")).code(), 0);
        drop(neighbour);
    });
}

#[test]
fn a_container_reaches_another_host_under_the_hosts_address() {
    isolated(|sampan| {
        sampan.load_busybox();
        let neighbour = Neighbour::connect();
        let namespace = format!("--net=/proc/{}/ns/net", neighbour.0.id());
        let directory = sampan.directory().join("www");
        std::fs::create_dir(&directory).unwrap();
        let cgi = directory.join("cgi-bin");
        std::fs::create_dir(&cgi).unwrap();
        std::fs::write(
            cgi.join("who"),
            "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s\\n' $REMOTE_ADDR\n",
        )
        .unwrap();
        tool("chmod", &["755", cgi.join("who").to_str().unwrap()]);
        let server = ["busybox", "httpd", "-f", "-p", "80", "-h", directory.to_str().unwrap()];
        let server = Invocation::new("nsenter", [&namespace[..]].iter().chain(&server)).start();
        let script = "for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://198.51.100.2/cgi-bin/who && exit; sleep 0.2; done; exit 1";
        let shown = sampan.busybox(&["--network", "bridge"], script).ok();
        assert!(shown.stdout().contains("198.51.100.1"), "{shown}");
        drop(server);
        drop(neighbour);
    });
}

#[test]
fn nginx_serves_behind_a_published_port() {
    isolated(|sampan| {
        let root = fixture::debian_root();
        let _ = sampan
            .command(["import", root.to_str().unwrap(), "debian"])
            .limit(Duration::from_secs(120))
            .run()
            .ok();
        let neighbour = Neighbour::connect();
        let words = ["run", "-d", "--name", "web", "-p", "8080:80", "debian", "nginx", "-g", "daemon off;"];
        let _ = sampan.run(words).ok();
        eventually("nginx answers", || {
            fetch(Ipv4Addr::LOCALHOST, 8080).is_some_and(|page| page.contains("Welcome to nginx"))
        });
        let _ =
            neighbour.shell("curl -sS --max-time 3 http://198.51.100.1:8080/").ok().shows("Welcome to nginx");
        let _ = sampan.inside("web", "cat /var/log/nginx/access.log").ok().shows("198.51.100.2");
        // It ends by itself when asked, in less than the time-out.
        let stopped = sampan.run(["stop", "web"]).ok();
        assert!(stopped.elapsed < Duration::from_secs(8), "{stopped}");
        assert_eq!(sampan.field("web", "{{.State.ExitCode}}"), "0");
        drop(neighbour);
    });
}
