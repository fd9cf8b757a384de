use crate::world::*;
use network::*;
use std::net::Ipv4Addr;
use std::process::Command;

/// Runs a program on the "host"; `None` where it is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = match Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: {program}: {error}");
            return None;
        }
    };
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn container_on_its_way(world: &World) -> (BridgeNetwork, Container) {
    let network = world.network(1);
    let container = world.container(&network, 2);
    serve_tcp(&world.outside, 80);
    serve_tcp(&container.netns, 80);
    (network, container)
}

#[test]
fn a_host_without_a_filter_of_its_own_has_no_foreign_drops() {
    host(|world| {
        let network = world.network(1);
        assert_eq!(foreign_drops(&world.sockets).unwrap(), []);
        assert_eq!(open_foreign(&world.sockets, &network).unwrap(), []);
        assert_eq!(close_foreign(&world.sockets, &network.bridge).unwrap(), 0);
    });
}

#[test]
fn a_policy_of_iptables_is_found_opened_and_left_as_it_was() {
    host(|world| {
        if !run("iptables", &["--version"]).is_some_and(|version| version.contains("nf_tables")) {
            return;
        }
        let _ = run("iptables", &["-P", "FORWARD", "DROP"]);
        let before = run("iptables", &["-S"]).unwrap();
        let (network, container) = container_on_its_way(world);
        let everywhere = single(Protocol::Tcp, Ipv4Addr::UNSPECIFIED, 8080, 80);
        let ports = publish(&world.sockets, container.ip(), &network, &[everywhere]).unwrap();
        let out = || inside(&container.netns, || ask_tcp(OUTSIDE, 80));
        let into = || inside(&world.outside, || ask_tcp(HOST, 8080));
        assert_eq!((out(), into()), (None, None));
        let found = foreign_drops(&world.sockets).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "chain FORWARD of table ip filter");

        assert_eq!(open_foreign(&world.sockets, &network).unwrap(), []);
        assert_eq!(open_foreign(&world.sockets, &network).unwrap(), []);
        assert_eq!((out(), into()), (seen_as(HOST), seen_as(OUTSIDE)));
        // What our own table refuses stays refused.
        assert_eq!(inside(&world.outside, || try_tcp(container.ip(), 80)), None);
        let rules = run("iptables", &["-S", "FORWARD"]).unwrap();
        assert_eq!(rules.lines().count(), 3, "{rules}");
        assert!(rules.contains(&format!("-A FORWARD -i {} ", network.bridge)), "{rules}");
        assert!(rules.contains(&format!("sampan {}", world.sockets.instance())), "{rules}");
        // A rule that somebody writes has the first word.
        let _ = run(
            "iptables",
            &["-I", "FORWARD", "-p", "tcp", "--dport", "80", "-d", "192.0.2.2", "-j", "DROP"],
        );
        assert_eq!((out(), into()), (None, seen_as(OUTSIDE)));
        let _ = run(
            "iptables",
            &["-D", "FORWARD", "-p", "tcp", "--dport", "80", "-d", "192.0.2.2", "-j", "DROP"],
        );

        assert_eq!(close_foreign(&world.sockets, &network.bridge).unwrap(), 2);
        assert_eq!(run("iptables", &["-S"]).unwrap(), before);
        assert_eq!((out(), into()), (None, None));
        unpublish(&world.sockets, ports).unwrap();
    });
}

#[test]
fn tables_of_nft_are_opened_and_firewalld_is_named() {
    host(|world| {
        let rules = "add table inet own; add chain inet own fwd_all { type filter hook forward priority 10; \
                     policy drop; }; add table inet firewalld; add chain inet firewalld filter_FORWARD { type filter \
                     hook forward priority 10; }; add table ip6 six; add chain ip6 six f { type filter hook forward \
                     priority 0; policy drop; }";
        if run("nft", &[rules]).is_none() {
            return;
        }
        let (network, container) = container_on_its_way(world);
        let out = || inside(&container.netns, || ask_tcp(OUTSIDE, 80));
        assert_eq!(out(), None);
        let closed = open_foreign(&world.sockets, &network).unwrap();
        assert_eq!(closed.len(), 1);
        assert_eq!(closed[0].to_string(), "chain filter_FORWARD of table inet firewalld");
        assert_eq!(out(), seen_as(HOST));
        assert_eq!(close_foreign(&world.sockets, &network.bridge).unwrap(), 2);
        assert_eq!(out(), None);
    });
}
