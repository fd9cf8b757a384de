use crate::world::*;
use kernel::netlink::link::Link;
use network::*;

#[test]
fn made_twice_is_made_once_and_removed_without_a_trace() {
    host(|world| {
        // Carrier comes a moment after a link is up, and is no trace of ours.
        let settled =
            || links().into_iter().map(|link| Link { is_running: false, ..link }).collect::<Vec<_>>();
        let before = settled();
        let network = world.plan(1);
        ensure_bridge(&world.sockets, &network).unwrap();
        ensure_bridge(&world.sockets, &network).unwrap();
        let found = link_of(&network.bridge).unwrap();
        assert!(found.is_up && found.kind.as_deref() == Some("bridge") && found.mtu == 1500);
        let owned = OwnedLink { name: network.bridge.clone(), role: LinkRole::Bridge };
        assert_eq!(list_links(&world.sockets).unwrap(), [owned]);
        assert!(routes_in_use(&world.sockets).unwrap().contains(&network.subnet));
        assert_eq!(std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(), "1\n");

        remove_bridge(&world.sockets, &network).unwrap();
        remove_bridge(&world.sockets, &network).unwrap();
        assert_eq!(settled(), before);
        assert_eq!(ruleset().unwrap_or_default(), "");
    });
}

#[test]
fn the_table_stays_for_as_long_as_there_is_a_network() {
    host(|world| {
        let (one, two) = (world.network(1), world.network(2));
        remove_bridge(&world.sockets, &one).unwrap();
        ensure_bridge(&world.sockets, &two).unwrap();
        let Some(rules) = ruleset() else { return };
        assert!(rules.contains(&two.bridge) && !rules.contains(&one.bridge), "{rules}");
        remove_bridge(&world.sockets, &two).unwrap();
        assert_eq!(ruleset().unwrap(), "");
    });
}

#[test]
fn the_rules_are_the_documented_ones() {
    host(|world| {
        let network = world.network(1);
        let Some(rules) = ruleset() else { return };
        for line in [
            "ip daddr 127.0.0.0/8 iifname @bridges drop",
            "fib daddr type local goto publish",
            "dnat ip to ip daddr . meta l4proto . th dport map @ports_at",
            "dnat ip to meta l4proto . th dport map @ports",
            "dnat to ip daddr . meta l4proto . th dport map @ranges",
            "ct state established,related accept",
            "iifname . oifname @same goto same",
            "oifname @bridges ct status dnat accept",
            "oifname @bridges ip saddr 127.0.0.0/8 masquerade",
            "iifname @masqueraded oifname != @bridges masquerade",
            &format!("table ip {} {{", names::table(world.sockets.instance())),
            &format!("\"{0}\" . \"{0}\"", network.bridge),
        ] {
            assert!(rules.contains(line), "{line} is not in\n{rules}");
        }
    });
}

#[test]
fn many_at_once_make_one() {
    host(|world| {
        let network = world.plan(1);
        let netns = &rustix::io::dup(world.sockets.namespace()).unwrap();
        for _ in 0..5 {
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        inside(netns, || {
                            let sockets = NetworkSockets::open(world_instance(&network)).unwrap();
                            ensure_bridge(&sockets, &network).unwrap();
                        });
                    });
                }
            });
            let bridges: Vec<_> =
                links().into_iter().filter(|link| link.kind.as_deref() == Some("bridge")).collect();
            assert_eq!(bridges.len(), 1);
            assert!(bridges[0].is_up);
            remove_bridge(&NetworkSockets::open(world_instance(&network)).unwrap(), &network).unwrap();
            assert_eq!(ruleset().unwrap_or_default(), "");
        }
    });
}

/// An instance id that threads can share without sharing the world's sockets.
fn world_instance(_: &BridgeNetwork) -> &'static ids::InstanceId {
    static INSTANCE: std::sync::OnceLock<ids::InstanceId> = std::sync::OnceLock::new();
    INSTANCE.get_or_init(ids::InstanceId::random)
}

#[test]
fn what_went_missing_is_completed() {
    host(|world| {
        let network = world.network(1);
        let container = world.container(&network, 2);
        serve_tcp(&world.outside, 80);
        let reaches_out = || inside(&container.netns, || ask_tcp(OUTSIDE, 80));
        assert_eq!(reaches_out(), seen_as(HOST));

        world.flush_rules();
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap();
        assert_eq!(reaches_out(), None);

        ensure_bridge(&world.sockets, &network).unwrap();
        assert_eq!(reaches_out(), seen_as(HOST));
    });
}

#[test]
fn somebody_elses_interface_is_left_alone() {
    host(|world| {
        let mut network = world.plan(1);
        network.bridge = "wan0".to_owned();
        let error = ensure_bridge(&world.sockets, &network).unwrap_err();
        assert!(matches!(error, BridgeError::Taken { .. }), "{error}");
        remove_bridge(&world.sockets, &network).unwrap();
        assert!(link_of("wan0").is_some());

        // Another instance's bridge of the same name, as with two default networks.
        let other = NetworkSockets::open(&ids::InstanceId::random()).unwrap();
        network.bridge = names::DEFAULT_BRIDGE.to_owned();
        ensure_bridge(&world.sockets, &network).unwrap();
        let mut second = world.plan(2);
        second.bridge = names::DEFAULT_BRIDGE.to_owned();
        let error = ensure_bridge(&other, &second).unwrap_err();
        assert!(matches!(error, BridgeError::Taken { .. }), "{error}");
        remove_bridge(&other, &second).unwrap();
        assert!(link_of(names::DEFAULT_BRIDGE).is_some());
    });
}

#[test]
fn plans_that_cannot_work_are_refused_before_anything_is_made() {
    host(|world| {
        let before = links();
        let mut wrong = [world.plan(1), world.plan(2), world.plan(3)];
        wrong[0].bridge = "much-too-long-a-name".to_owned();
        wrong[1].gateway = OUTSIDE;
        wrong[2].mtu = 20;
        for network in &wrong {
            assert!(matches!(ensure_bridge(&world.sockets, network), Err(BridgeError::Invalid { .. })));
        }
        assert_eq!(links(), before);
    });
}
