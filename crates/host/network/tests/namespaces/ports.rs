use crate::world::*;
use network::*;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
use Protocol::{Tcp, Udp};

#[test]
fn a_published_port_is_reached_from_everywhere() {
    host_with_and_without_bridge_filter(|world, _| {
        let (network, other) = (world.network(1), world.network(2));
        let container = world.container(&network, 2);
        let (neighbour, stranger) = (world.container(&network, 3), world.container(&other, 2));
        serve_tcp(&container.netns, 80);
        let ports = publish(&world.sockets, container.ip(), &network, &[single(Tcp, ANY, 8080, 80)]).unwrap();
        // From outside, with the client's own address.
        assert_eq!(inside(&world.outside, || ask_tcp(HOST, 8080)), seen_as(OUTSIDE));
        // From the host: loopback, its other addresses.
        assert_eq!(ask_tcp(LOOPBACK, 8080), seen_as(network.gateway));
        assert_eq!(ask_tcp(Ipv4Addr::new(127, 1, 2, 3), 8080), seen_as(network.gateway));
        assert_eq!(ask_tcp(HOST, 8080), seen_as(HOST));
        assert!(ask_tcp(network.gateway, 8080).is_some());
        // From containers by the host's address: a neighbour, another network's member, itself.
        assert_eq!(inside(&neighbour.netns, || ask_tcp(HOST, 8080)), seen_as(network.gateway));
        assert_eq!(inside(&neighbour.netns, || ask_tcp(network.gateway, 8080)), seen_as(network.gateway));
        assert_eq!(inside(&stranger.netns, || ask_tcp(HOST, 8080)), seen_as(stranger.ip()));
        assert_eq!(inside(&container.netns, || ask_tcp(HOST, 8080)), seen_as(network.gateway));
        // Other ports and protocols are not.
        assert_eq!(inside(&world.outside, || try_tcp(HOST, 8081)), None);
        assert_eq!(inside(&world.outside, || ask_udp(HOST, 8080)), None);
        unpublish(&world.sockets, ports).unwrap();
        assert_eq!(inside(&world.outside, || try_tcp(HOST, 8080)), None);
        assert_eq!(try_tcp(LOOPBACK, 8080), None);
    });
}

#[test]
fn udp_works_also_for_clients_that_were_there_before() {
    host_with_and_without_bridge_filter(|world, _| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        serve_udp(&container.netns, 53);
        let client = inside(&world.outside, udp_client);
        assert_eq!(ask_udp_with(&client, HOST, 5300), None);
        let ports = publish(&world.sockets, container.ip(), &network, &[single(Udp, ANY, 5300, 53)]).unwrap();
        assert_eq!(ask_udp_with(&client, HOST, 5300), seen_as(OUTSIDE));
        assert_eq!(ask_udp(LOOPBACK, 5300), seen_as(network.gateway));
        // The container goes, another takes over the port: the same flow reaches the new one.
        unpublish(&world.sockets, ports).unwrap();
        assert_eq!(ask_udp_with(&client, HOST, 5300), None);
        let second = world.container(&network, 3);
        serve_udp(&second.netns, 53);
        let ports = publish(&world.sockets, second.ip(), &network, &[single(Udp, ANY, 5300, 53)]).unwrap();
        assert_eq!(ask_udp_with(&client, HOST, 5300), seen_as(OUTSIDE));
        unpublish(&world.sockets, ports).unwrap();
    });
}

#[test]
fn one_address_of_the_host_is_not_another() {
    host(|world| {
        let network = world.network(1);
        let (a, b) = (world.container(&network, 2), world.container(&network, 3));
        serve_tcp(&a.netns, 80);
        serve_tcp(&b.netns, 81);
        let only_here =
            publish(&world.sockets, a.ip(), &network, &[single(Tcp, LOOPBACK, 8080, 80)]).unwrap();
        let only_there = publish(&world.sockets, b.ip(), &network, &[single(Tcp, HOST, 8080, 81)]).unwrap();
        assert!(ask_tcp(LOOPBACK, 8080).is_some());
        assert!(inside(&world.outside, || ask_tcp(HOST, 8080)).is_some());
        // Without the second, nothing of the first is seen from outside.
        unpublish(&world.sockets, only_there).unwrap();
        assert_eq!(inside(&world.outside, || try_tcp(HOST, 8080)), None);
        unpublish(&world.sockets, only_here).unwrap();
        let nowhere = single(Tcp, Ipv4Addr::new(198, 51, 100, 7), 8080, 80);
        let error = publish(&world.sockets, a.ip(), &network, &[nowhere]).unwrap_err();
        assert!(matches!(error, PublishError::NotLocal { .. }), "{error}");
    });
}

#[test]
fn the_hosts_loopback_is_closed_to_containers_and_the_wire() {
    host_with_and_without_bridge_filter(|world, _| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        let on_host = rustix::io::dup(world.sockets.namespace()).unwrap();
        serve_tcp(&on_host, 9999);
        // Whoever owns a container's namespace can send to 127.0.0.1 through the gateway.
        let attack = || {
            inside(&container.netns, || {
                std::fs::write("/proc/sys/net/ipv4/conf/eth0/route_localnet", "1").unwrap();
                forget_loopback();
                ask_tcp(LOOPBACK, 9999)
            })
        };
        assert_eq!(attack(), None);
        // The attack is a real one: without the table it comes through.
        world.flush_rules();
        assert!(attack().is_some());
    });
}

#[test]
fn a_taken_port_is_an_error_that_names_the_holder() {
    host(|world| {
        let network = world.network(1);
        let (a, b) = (world.container(&network, 2), world.container(&network, 3));
        let publish_on =
            |container: &Container, mapping| publish(&world.sockets, container.ip(), &network, &[mapping]);
        let listener = TcpListener::bind((LOOPBACK, 8080)).unwrap();
        let error = publish_on(&a, single(Tcp, ANY, 8080, 80)).unwrap_err();
        let own = std::process::id();
        match &error {
            PublishError::InUse { port: 8080, holder: Holder::Process { pid, .. }, .. } => {
                assert_eq!(*pid, own);
            }
            _ => panic!("{error:?}"),
        }
        let text = error.to_string();
        assert!(text.starts_with("host port 0.0.0.0:8080/tcp is already in use by process "), "{text}");
        assert!(list_published(&world.sockets).unwrap().is_empty());
        drop(listener);

        let ports = publish_on(&a, single(Tcp, ANY, 8080, 80)).unwrap();
        let error = publish_on(&b, single(Tcp, LOOPBACK, 8080, 80)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "host port 127.0.0.1:8080/tcp is already in use by the container at 10.0.1.2"
        );
        // Nobody else gets the port either, and what does not get translated is refused and does not hang.
        assert!(TcpListener::bind((ANY, 8080)).is_err());
        unpublish(&world.sockets, ports).unwrap();
        let udp = UdpSocket::bind((ANY, 8080)).unwrap();
        assert!(matches!(publish_on(&a, single(Udp, HOST, 8080, 80)), Err(PublishError::InUse { .. })));
        drop(udp);
        unpublish(&world.sockets, publish_on(&b, single(Udp, HOST, 8080, 80)).unwrap()).unwrap();
    });
}

#[test]
fn connections_of_a_stopped_server_are_no_conflict() {
    host(|world| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        let listener = TcpListener::bind((ANY, 8080)).unwrap();
        let mut client = TcpStream::connect((LOOPBACK, 8080)).unwrap();
        // Who closes first keeps the port in TIME-WAIT.
        drop(listener.accept().unwrap());
        let _ = client.read(&mut [0; 1]);
        drop((client, listener));
        let ports = publish(&world.sockets, container.ip(), &network, &[single(Tcp, ANY, 8080, 80)]).unwrap();
        // Held for real: not even a listener with SO_REUSEADDR (as std sets it) gets in.
        assert!(TcpListener::bind((ANY, 8080)).is_err());
        serve_tcp(&container.netns, 80);
        assert!(ask_tcp(LOOPBACK, 8080).is_some());
        unpublish(&world.sockets, ports).unwrap();
        assert!(TcpListener::bind((ANY, 8080)).is_ok());
    });
}

#[test]
fn ranges_are_reached_port_by_port() {
    host_with_and_without_bridge_filter(|world, _| {
        let network = world.network(1);
        let (a, b) = (world.container(&network, 2), world.container(&network, 3));
        for port in [7000, 7100, 7199, 81] {
            serve_tcp(&a.netns, port);
        }
        let mappings = [range(Tcp, ANY, 7000, 7199, 7000), range(Tcp, ANY, 9000, 9002, 80)];
        let ports = publish(&world.sockets, a.ip(), &network, &mappings).unwrap();
        for port in [7000, 7100, 7199] {
            assert_eq!(inside(&world.outside, || ask_tcp(HOST, port)), seen_as(OUTSIDE), "{port}");
            assert!(ask_tcp(LOOPBACK, port).is_some());
        }
        assert_eq!(inside(&world.outside, || ask_tcp(HOST, 9001)), seen_as(OUTSIDE));
        assert_eq!(inside(&world.outside, || try_tcp(HOST, 7200)), None);
        // Neither one port of it nor another range over it.
        for mapping in
            [single(Tcp, ANY, 7100, 80), range(Tcp, HOST, 7150, 7300, 7150), single(Tcp, LOOPBACK, 9001, 1)]
        {
            let error =
                publish(&world.sockets, b.ip(), &network, std::slice::from_ref(&mapping)).unwrap_err();
            let holder = Holder::Container(a.ip());
            assert!(
                matches!(&error, PublishError::InUse { holder: found, .. } if *found == holder),
                "{error:?}"
            );
        }
        assert_eq!(list_published(&world.sockets).unwrap().len(), 4);
        unpublish(&world.sockets, ports).unwrap();
        assert!(list_published(&world.sockets).unwrap().is_empty());
    });
}

#[test]
fn a_whole_protocol_can_be_published() {
    host(|world| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        serve_udp(&container.netns, 40000);
        let shifted = range(Udp, ANY, 1, 20000, 20001);
        let same = range(Udp, ANY, 30000, 65535, 30000);
        let ports = publish(&world.sockets, container.ip(), &network, &[shifted, same]).unwrap();
        assert_eq!(inside(&world.outside, || ask_udp(HOST, 19999 + 20000 + 1)), seen_as(OUTSIDE));
        assert_eq!(inside(&world.outside, || ask_udp(HOST, 20000)), seen_as(OUTSIDE));
        unpublish(&world.sockets, ports).unwrap();
        assert!(list_published(&world.sockets).unwrap().is_empty());
    });
}

#[test]
fn withdrawing_ends_connections_and_leaves_nothing() {
    host(|world| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        let before = ruleset();
        let listener = inside(&container.netns, || TcpListener::bind((ANY, 80)).unwrap());
        let ports = publish(&world.sockets, container.ip(), &network, &[single(Tcp, ANY, 8080, 80)]).unwrap();
        let client = inside(&world.outside, || TcpStream::connect((HOST, 8080)).unwrap());
        let _server = listener.accept().unwrap();
        unpublish(&world.sockets, ports).unwrap();
        assert_eq!(ruleset(), before);
        assert!(TcpListener::bind((ANY, 8080)).is_ok());
        // The next packet of the old connection finds no translation and is answered with a reset.
        (&client).write_all(b"x").unwrap();
        client.set_read_timeout(Some(std::time::Duration::from_secs(2))).unwrap();
        let error = (&client).read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_successor_adopts_and_repair_withdraws() {
    host(|world| {
        let network = world.network(1);
        let (a, b) = (world.container(&network, 2), world.container(&network, 3));
        serve_tcp(&a.netns, 80);
        let mappings = [single(Tcp, ANY, 8080, 80), range(Tcp, ANY, 7000, 7002, 7000)];
        // The monitor dies: its sockets are gone, the entries are not, and nobody else gets the port.
        drop(publish(&world.sockets, a.ip(), &network, &mappings).unwrap());
        assert!(ask_tcp(LOOPBACK, 8080).is_some());
        let error = publish(&world.sockets, b.ip(), &network, &mappings[..1]).unwrap_err();
        assert!(matches!(error, PublishError::InUse { holder: Holder::Container(ip), .. } if ip == a.ip()));
        let error = adopt(&world.sockets, b.ip(), &network, &mappings[..1]).unwrap_err();
        assert!(matches!(error, PublishError::InUse { .. }), "{error}");
        let ports = adopt(&world.sockets, a.ip(), &network, &mappings).unwrap();
        assert_eq!((ports.held().len(), ports.mappings().len()), (1, 2));
        assert!(ask_tcp(LOOPBACK, 8080).is_some());
        drop(ports);
        assert_eq!(unpublish_address(&world.sockets, a.ip()).unwrap(), 2);
        assert_eq!(unpublish_address(&world.sockets, a.ip()).unwrap(), 0);
        assert_eq!(try_tcp(LOOPBACK, 8080), None);
        unpublish(&world.sockets, publish(&world.sockets, b.ip(), &network, &mappings).unwrap()).unwrap();
    });
}

#[test]
fn all_or_nothing() {
    host(|world| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        let _taken = TcpListener::bind((ANY, 8081)).unwrap();
        let both = [single(Tcp, ANY, 8080, 80), single(Tcp, ANY, 8081, 81)];
        assert!(publish(&world.sockets, container.ip(), &network, &both).is_err());
        assert!(list_published(&world.sockets).unwrap().is_empty());
        assert!(TcpListener::bind((ANY, 8080)).is_ok());
        let twice = [single(Tcp, ANY, 8080, 80), single(Tcp, LOOPBACK, 8080, 81)];
        let error = publish(&world.sockets, container.ip(), &network, &twice).unwrap_err();
        assert!(matches!(error, PublishError::Overlap { .. }), "{error}");
        let mut internal = world.plan(2);
        internal.internal = true;
        let error = publish(&world.sockets, container.ip(), &internal, &both).unwrap_err();
        assert!(matches!(error, PublishError::Internal { .. }), "{error}");
    });
}
