//! Flags of `run` about the network, each seen from inside and from the host.

use crate::network::{WEB, echo_datagrams, fetch, free_port};
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;
use tests::{eventually, isolated};

#[test]
fn none_is_loopback_only() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan
            .busybox(
                &["--network", "none"],
                "ls /sys/class/net; wc -l < /proc/net/route; ip -o -4 addr | wc -l",
            )
            .ok()
            .prints("lo\n1\n1\n");
        let before = sampan.census();
        let id = sampan.background(&["--network", "none"], "sleep 100");
        let differences = before.differences(&sampan.census());
        assert!(!differences.iter().any(|line| line.starts_with("+ network")), "{differences:?}");
        let pid = sampan.field(&id, "{{.State.Pid}}");
        assert_ne!(
            fs::read_link(format!("/proc/{pid}/ns/net")).unwrap(),
            fs::read_link("/proc/self/ns/net").unwrap()
        );
    });
}

#[test]
fn host_is_the_hosts_own() {
    isolated(|sampan| {
        sampan.load_busybox();
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        let _ = sampan
            .busybox(&["--network", "host"], "readlink /proc/self/ns/net")
            .ok()
            .prints(&format!("{}\n", own.display()));
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let _ = sampan.busybox(&["--network", "host"], "hostname").ok().prints(&name);
        let port = free_port();
        let id = sampan.background(&["--network", "host"], &WEB.replace("80", &port.to_string()));
        eventually("the container serves on the host's loopback", || {
            fetch(Ipv4Addr::LOCALHOST, port).is_some()
        });
        let _ = sampan.run(["rm", "--force", &id]).ok();
        assert!(fetch(Ipv4Addr::LOCALHOST, port).is_none());
    });
}

#[test]
fn a_bridge_gives_address_gateway_and_names() {
    isolated(|sampan| {
        sampan.load_busybox();
        for options in [&["--network", "bridge"][..], &["--net", "bridge"], &["--network=default"]] {
            let id = sampan.background(options, "sleep 100");
            let settings = &sampan.inspected(&id)["NetworkSettings"]["Networks"]["bridge"];
            let (address, gateway) =
                (settings["IPAddress"].as_str().unwrap(), settings["Gateway"].as_str().unwrap());
            let _ = sampan.inside(&id, "ip -4 -o addr show eth0").ok().shows(&format!("inet {address}/"));
            let _ = sampan.inside(&id, "ip route").ok().shows(&format!("default via {gateway} dev eth0"));
            let _ = sampan.inside(&id, "cat /etc/hosts").ok().shows(&format!("{address}\t{}", &id[..12]));
            let _ = sampan.inside(&id, &format!("ping -c 1 -W 2 {gateway} >/dev/null")).ok();
            let mac = settings["MacAddress"].as_str().unwrap();
            let _ = sampan.inside(&id, "cat /sys/class/net/eth0/address").ok().prints(&format!("{mac}\n"));
        }
    });
}

#[test]
fn another_containers_network_is_shared() {
    isolated(|sampan| {
        sampan.load_busybox();
        let first =
            sampan.background(&["--network", "bridge", "--name", "first", "--hostname", "shared"], WEB);
        let join = ["--network", "container:first"];
        let own = sampan.inside(&first, "readlink /proc/self/ns/net; hostname; ip -4 -o addr").ok().stdout();
        let _ =
            sampan.busybox(&join, "readlink /proc/self/ns/net; hostname; ip -4 -o addr").ok().prints(&own);
        let _ = sampan
            .busybox(
                &join,
                "for i in 1 2 3 4 5; do wget -qO- http://127.0.0.1/ && exit; sleep 0.2; done; exit 1",
            )
            .ok()
            .prints("hello\n");
        let _ = sampan.busybox(&["--network", &format!("container:{first}")], "true").ok();
        let _ = sampan.busybox(&["--network", "container:nobody"], "true").fails_with(125).says("nobody");
        for option in
            [["-p", "80:80"], ["--hostname", "x"], ["--add-host", "a:1.2.3.4"], ["--dns", "1.2.3.4"]]
        {
            let _ = sampan
                .busybox(&[&join[..], &option].concat(), "true")
                .fails_with(125)
                .says("onflicting options");
        }
        let _ = sampan.run(["stop", "-t", "0", "first"]).ok();
        let _ = sampan.busybox(&join, "true").fails_with(125).says(&first[..12]).says("not running");
    });
}

#[test]
fn an_unknown_network_is_named() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan
            .busybox(&["--network", "atlantis"], "true")
            .fails_with(125)
            .says("network atlantis not found")
            .says_one_line();
        assert!(sampan.names().is_empty(), "the container that could not be created is there");
    });
}

#[test]
fn a_port_is_published() {
    isolated(|sampan| {
        sampan.load_busybox();
        let port = free_port();
        let publish = format!("{port}:80");
        let id = sampan.background(&["-p", &publish, "--name", "web"], WEB);
        eventually("the port answers on loopback", || fetch(Ipv4Addr::LOCALHOST, port).is_some());
        let gateway: Ipv4Addr =
            sampan.field(&id, "{{.NetworkSettings.Networks.bridge.Gateway}}").parse().unwrap();
        assert!(fetch(gateway, port).unwrap().contains("hello"), "the host's other address does not answer");
        let _ = sampan.run(["port", "web"]).ok().shows(&format!("80/tcp -> 0.0.0.0:{port}"));
        let _ = sampan.run(["ps", "--format", "{{.Ports}}"]).ok().shows(&format!("0.0.0.0:{port}->80/tcp"));
        let ports = &sampan.inspected("web")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"];
        assert_eq!(ports, &port.to_string());
        let _ = sampan.run(["stop", "-t", "0", "web"]).ok();
        assert!(fetch(Ipv4Addr::LOCALHOST, port).is_none(), "the port of a stopped container answers");
        let _ = sampan.run(["start", "web"]).ok();
        eventually("the port answers again", || fetch(Ipv4Addr::LOCALHOST, port).is_some());
    });
}

#[test]
fn a_port_is_published_on_one_address_only() {
    isolated(|sampan| {
        sampan.load_busybox();
        let port = free_port();
        let id = sampan.background(&["-p", &format!("127.0.0.1:{port}:80")], WEB);
        eventually("the port answers on loopback", || fetch(Ipv4Addr::LOCALHOST, port).is_some());
        let gateway: Ipv4Addr =
            sampan.field(&id, "{{.NetworkSettings.Networks.bridge.Gateway}}").parse().unwrap();
        assert!(fetch(gateway, port).is_none(), "the port answers on {gateway}");
    });
}

#[test]
fn a_host_port_is_chosen() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["-p", "80"], WEB);
        let chosen = sampan.field(&id, "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}");
        eventually("the chosen port answers", || {
            fetch(Ipv4Addr::LOCALHOST, chosen.parse().unwrap()).is_some()
        });
        let other = sampan.background(&["-p", "40000-40010:80"], WEB);
        let chosen = sampan.field(&other, "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}");
        assert!((40000..=40010).contains(&chosen.parse::<u16>().unwrap()), "{chosen}");
    });
}

#[test]
fn ranges_and_datagrams_are_published() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "echo hello > /tmp/index.html; httpd -p 81 -h /tmp; httpd -f -p 80 -h /tmp";
        let id = sampan.background(&["-p", "41000-41001:80-81", "-p", "41053:53/udp"], script);
        for port in [41000, 41001] {
            eventually("the range answers", || fetch(Ipv4Addr::LOCALHOST, port).is_some());
        }
        let echo = echo_datagrams(&sampan.field(&id, "{{.State.Pid}}"), 53);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        socket.connect("127.0.0.1:41053").unwrap();
        let mut buffer = [0; 16];
        eventually("the datagram comes back", || {
            let sent = socket.send(b"ping");
            sent.is_ok() && socket.recv(&mut buffer).is_ok_and(|length| &buffer[..length] == b"ping")
        });
        drop(echo);
        let ports = sampan.run(["port", &id]).ok().stdout();
        for line in ["53/udp -> 0.0.0.0:41053", "80/tcp -> 0.0.0.0:41000", "81/tcp -> 0.0.0.0:41001"] {
            assert!(ports.contains(line), "no {line} in\n{ports}");
        }
    });
}

#[test]
fn all_exposed_ports_are_published() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["-P", "--expose", "80", "--expose", "81/udp"], WEB);
        let ports = sampan.inspected(&id)["NetworkSettings"]["Ports"].clone();
        let chosen: u16 = ports["80/tcp"][0]["HostPort"].as_str().unwrap().parse().unwrap();
        assert!(ports["81/udp"][0]["HostPort"].is_string(), "{ports}");
        eventually("the chosen port answers", || fetch(Ipv4Addr::LOCALHOST, chosen).is_some());
        let exposed = sampan.background(&["--network", "bridge", "--expose", "80"], "sleep 100");
        assert!(sampan.inspected(&exposed)["NetworkSettings"]["Ports"]["80/tcp"].is_null());
        let _ = sampan
            .run(["ps", "--filter", &format!("id={exposed}"), "--format", "{{.Ports}}"])
            .ok()
            .prints("80/tcp\n");
    });
}

#[test]
fn a_port_in_use_is_refused_by_name() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["-p", "42000:80", "--name", "holder"], "sleep 100");
        let before = sampan.census().without_store();
        let refused = sampan.busybox(&["-p", "42000:80"], "true").fails_with(125);
        let _ = refused.says("42000").says("holder").says_one_line();
        let listener = std::net::TcpListener::bind("0.0.0.0:42001").unwrap();
        let _ = sampan
            .busybox(&["-p", "42001:80"], "true")
            .fails_with(125)
            .says("42001")
            .says("in use")
            .says_one_line();
        drop(listener);
        sampan.require_no_leak_since(&before, tests::census::Census::without_store);
        for wrong in ["80000:80", "80:what", "1.2.3:80:80", "80:80/icmp"] {
            let _ = sampan.busybox(&["-p", wrong], "true").fails_with(125);
        }
    });
}

#[test]
fn hosts_are_added() {
    isolated(|sampan| {
        sampan.load_busybox();
        let options = [
            "--network",
            "bridge",
            "--add-host",
            "db:10.1.2.3",
            "--add-host",
            "six=::1",
            "--add-host",
            "up:host-gateway",
        ];
        let id = sampan.background(&options, "sleep 100");
        let gateway = sampan.field(&id, "{{.NetworkSettings.Networks.bridge.Gateway}}");
        let hosts = sampan.inside(&id, "cat /etc/hosts").ok();
        let hosts = hosts.shows("10.1.2.3\tdb\n").shows("::1\tsix\n");
        let _ = hosts.shows(&format!("{gateway}\tup\n")).shows("127.0.0.1\tlocalhost\n");
        let _ = sampan.busybox(&["--add-host", "noaddress"], "true").fails_with(125).says("noaddress");
        let _ = sampan.busybox(&["--add-host", "db:500.1.2.3"], "true").fails_with(125).says("500.1.2.3");
    });
}

#[test]
fn name_servers_are_written_down() {
    isolated(|sampan| {
        sampan.load_busybox();
        let options = [
            "--network",
            "bridge",
            "--dns",
            "192.0.2.1",
            "--dns",
            "192.0.2.2",
            "--dns-search",
            "example.org",
            "--dns-option",
            "ndots:3",
        ];
        let file = sampan.busybox(&options, "cat /etc/resolv.conf").ok();
        let file = file.shows("nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
        let _ = file.shows("search example.org\n").shows("options ndots:3\n");
        let _ = sampan
            .busybox(&["--network", "bridge", "--dns", "nowhere"], "true")
            .fails_with(125)
            .says("nowhere");
    });
}
