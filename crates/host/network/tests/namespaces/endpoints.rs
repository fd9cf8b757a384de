use crate::world::*;
use kernel::netlink::address::{self, Address};
use kernel::netlink::{Family, Socket};
use network::*;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

#[test]
fn a_container_has_what_was_planned() {
    host(|world| {
        let mut network = world.plan(1);
        network.mtu = 1400;
        ensure_bridge(&world.sockets, &network).unwrap();
        let container = world.container(&network, 7);
        serve_tcp(&rustix::io::dup(world.sockets.namespace()).unwrap(), 80);
        inside(&container.netns, || {
            let (lo, eth0) = (link_of("lo").unwrap(), link_of("eth0").unwrap());
            assert!(lo.is_up && lo.is_loopback && eth0.is_up);
            assert_eq!((eth0.mtu, eth0.kind.as_deref()), (1400, Some("veth")));
            let addresses = Socket::open(Family::Route).unwrap().list(address::list, Address::parse).unwrap();
            let own = Address { index: eth0.index, address: container.ip(), prefix_len: 24 };
            assert!(addresses.contains(&own), "{addresses:?}");
            // The gateway, and through the default route the host's other address.
            assert_eq!(ask_tcp(network.gateway, 80), seen_as(container.ip()));
            assert_eq!(ask_tcp(HOST, 80), seen_as(container.ip()));
        });
        let host_end = link_of(&container.config.host_ifname).unwrap();
        assert_eq!(host_end.master, link_of(&network.bridge).map(|bridge| bridge.index));
        assert!(host_end.is_up);
    });
}

#[test]
fn the_first_packet_is_not_lost() {
    host(|world| {
        serve_tcp(&rustix::io::dup(world.sockets.namespace()).unwrap(), 80);
        for number in 1..=20 {
            // A fresh bridge each time: it comes to life with its first port.
            let network = world.network(number);
            let container = world.container(&network, 2);
            let started = Instant::now();
            assert_eq!(inside(&container.netns, || ask_tcp(network.gateway, 80)), seen_as(container.ip()));
            // A lost packet is sent again after a second.
            assert!(started.elapsed() < Duration::from_millis(800), "{:?}", started.elapsed());
            remove_bridge(&world.sockets, &network).unwrap();
        }
    });
}

#[test]
fn the_way_out_is_masqueraded_if_the_network_says_so() {
    host(|world| {
        let masqueraded = world.network(1);
        let mut plain = world.plan(2);
        plain.masquerade = false;
        ensure_bridge(&world.sockets, &plain).unwrap();
        serve_tcp(&world.outside, 80);
        serve_udp(&world.outside, 53);
        let (one, two) = (world.container(&masqueraded, 2), world.container(&plain, 2));
        assert_eq!(inside(&one.netns, || ask_tcp(OUTSIDE, 80)), seen_as(HOST));
        assert_eq!(inside(&one.netns, || ask_udp(OUTSIDE, 53)), seen_as(HOST));
        assert_eq!(inside(&two.netns, || ask_tcp(OUTSIDE, 80)), seen_as(two.ip()));
    });
}

#[test]
fn networks_are_isolated_and_their_members_are_not() {
    host_with_and_without_bridge_filter(|world, _| {
        let (one, two) = (world.network(1), world.network(2));
        let (a, b, c) = (world.container(&one, 2), world.container(&one, 3), world.container(&two, 2));
        serve_tcp(&b.netns, 80);
        serve_tcp(&c.netns, 80);
        assert_eq!(inside(&a.netns, || ask_tcp(b.ip(), 80)), seen_as(a.ip()));
        assert_eq!(inside(&a.netns, || try_tcp(c.ip(), 80)), None);
        // The outside has a route to the containers through the host, and no business there.
        assert_eq!(inside(&world.outside, || try_tcp(b.ip(), 80)), None);
        // The host itself reaches all.
        assert_eq!(ask_tcp(c.ip(), 80), seen_as(two.gateway));
    });
}

#[test]
fn members_of_a_separated_network_reach_the_world_but_not_each_other() {
    host_with_and_without_bridge_filter(|world, through_filter| {
        let mut network = world.plan(1);
        network.icc = false;
        ensure_bridge(&world.sockets, &network).unwrap();
        let (a, b) = (world.container(&network, 2), world.container(&network, 3));
        serve_tcp(&b.netns, 80);
        serve_tcp(&world.outside, 80);
        assert_eq!(inside(&a.netns, || try_tcp(b.ip(), 80)), None);
        assert_eq!(inside(&a.netns, || ask_tcp(OUTSIDE, 80)), seen_as(HOST));
        // A published port is open to all, also to them; but where the translated packet stays on the bridge, the
        // ports' isolation stops it.
        let everywhere = single(Protocol::Tcp, std::net::Ipv4Addr::UNSPECIFIED, 8080, 80);
        let ports = publish(&world.sockets, b.ip(), &network, &[everywhere]).unwrap();
        let answer = inside(&a.netns, || ask_tcp(HOST, 8080));
        assert_eq!(answer, if through_filter { None } else { seen_as(network.gateway) });
        unpublish(&world.sockets, ports).unwrap();
    });
}

#[test]
fn an_internal_network_has_no_way_out() {
    host_with_and_without_bridge_filter(|world, _| {
        let mut network = world.plan(1);
        network.internal = true;
        ensure_bridge(&world.sockets, &network).unwrap();
        let other = world.network(2);
        let (a, b, c) =
            (world.container(&network, 2), world.container(&network, 3), world.container(&other, 2));
        for netns in [&b.netns, &c.netns, &world.outside] {
            serve_tcp(netns, 80);
        }
        assert_eq!(inside(&a.netns, || ask_tcp(b.ip(), 80)), seen_as(a.ip()));
        // Not even with a route that somebody inside adds.
        inside(&a.netns, || {
            let mut batch = kernel::netlink::Batch::new();
            let index = link_of("eth0").unwrap().index;
            kernel::netlink::route::add_default(&mut batch, network.gateway, index);
            Socket::open(Family::Route).unwrap().execute(&mut batch).unwrap();
            assert_eq!(try_tcp(OUTSIDE, 80), None);
            assert_eq!(try_tcp(c.ip(), 80), None);
        });
        assert_eq!(inside(&c.netns, || try_tcp(a.ip(), 80)), None);
    });
}

#[test]
fn a_failed_attachment_leaves_nothing() {
    host(|world| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        let before = links();
        // eth0 exists inside.
        let second = world.endpoint(&network, 3);
        let error = attach_endpoint(&world.sockets, &second, container.netns.as_fd()).unwrap_err();
        assert!(matches!(error, AttachError::NameTaken { .. }), "{error}");
        assert_eq!(links(), before);
        // Inside, the address is refused after the pair was made.
        let mut third = world.endpoint(&network, 4);
        third.container_ifname = "eth1".to_owned();
        third.prefix_len = 33;
        let error = attach_endpoint(&world.sockets, &third, container.netns.as_fd()).unwrap_err();
        assert!(matches!(error, AttachError::Invalid { .. }), "{error}");
        third.prefix_len = 24;
        third.address = container.ip();
        third.network.mtu = 1_000_000;
        let error = attach_endpoint(&world.sockets, &third, container.netns.as_fd()).unwrap_err();
        assert!(matches!(error, AttachError::Host { .. }), "{error}");
        assert_eq!(links(), before);
        // No bridge.
        let nowhere = world.endpoint(&world.plan(9), 2);
        let error = attach_endpoint(&world.sockets, &nowhere, new_namespace().as_fd()).unwrap_err();
        assert!(matches!(error, AttachError::NoBridge { .. }), "{error}");
    });
}

#[test]
fn an_endpoint_of_a_former_sandbox_is_replaced() {
    host(|world| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        serve_tcp(&rustix::io::dup(world.sockets.namespace()).unwrap(), 80);
        let netns = new_namespace();
        let _ = attach_endpoint(&world.sockets, &container.config, netns.as_fd()).unwrap();
        assert_eq!(inside(&netns, || ask_tcp(network.gateway, 80)), seen_as(container.ip()));
        assert!(inside(&container.netns, || link_of("eth0")).is_none());
    });
}

#[test]
fn a_second_network_and_leaving_it() {
    host(|world| {
        let (one, two) = (world.network(1), world.network(2));
        let container = world.container(&one, 2);
        let neighbour = world.container(&two, 3);
        serve_tcp(&neighbour.netns, 80);
        let mut second = world.endpoint(&two, 2);
        second.container_ifname = "eth1".to_owned();
        let attached = attach_endpoint(&world.sockets, &second, container.netns.as_fd()).unwrap();
        assert_eq!(inside(&container.netns, || ask_tcp(neighbour.ip(), 80)), seen_as(second.address));
        detach_endpoint(&world.sockets, &attached.host_ifname).unwrap();
        detach_endpoint(&world.sockets, &attached.host_ifname).unwrap();
        assert!(inside(&container.netns, || link_of("eth1")).is_none());
        assert!(inside(&container.netns, || link_of("eth0")).is_some());
    });
}

#[test]
fn without_a_network_there_is_loopback() {
    host(|world| {
        let netns = new_namespace();
        configure_loopback(&NamespaceSocket::enter(&world.sockets, netns.as_fd()).unwrap()).unwrap();
        serve_tcp(&netns, 80);
        let loopback = std::net::Ipv4Addr::LOCALHOST;
        assert_eq!(inside(&netns, || ask_tcp(loopback, 80)), seen_as(loopback));
        assert_eq!(inside(&netns, || links().iter().filter(|link| link.is_up).count()), 1);
        // The thread is back on the host.
        assert!(link_of("wan0").is_some());
    });
}
