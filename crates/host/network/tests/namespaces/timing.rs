//! How long the steps take that a person waits for. Printed, with a bound only against disasters: the machine is
//! shared.

use crate::world::*;
use network::*;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

const ROUNDS: u8 = 40;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn attaching_and_publishing_is_quick() {
    host(|world| {
        let network = world.network(1);
        let mut times: [Vec<Duration>; 7] = Default::default();
        let mut kept = Vec::new();
        let mut measure = |at: usize, started: Instant| times[at].push(started.elapsed());
        for round in 0..ROUNDS {
            let netns = new_namespace();
            let config = world.endpoint(&network, 2 + round);
            let mapping = single(Protocol::Tcp, Ipv4Addr::UNSPECIFIED, 8000 + u16::from(round), 80);
            let started = Instant::now();
            let sockets = NetworkSockets::open(world.sockets.instance()).unwrap();
            measure(0, started);
            let started = Instant::now();
            ensure_bridge(&sockets, &network).unwrap();
            measure(1, started);
            let started = Instant::now();
            let socket = NamespaceSocket::enter(&sockets, netns.as_fd()).unwrap();
            measure(2, started);
            let started = Instant::now();
            let _ = attach_endpoint_through(&sockets, &config, netns.as_fd(), &socket, true).unwrap();
            measure(3, started);
            let started = Instant::now();
            let ports = publish(&sockets, config.address, &network, &[mapping]).unwrap();
            measure(4, started);
            kept.push((netns, ports));
        }
        for (netns, ports) in kept {
            let started = Instant::now();
            let withdrawn = withdraw(&world.sockets, ports).unwrap();
            times[5].push(started.elapsed());
            let started = Instant::now();
            end_connections(&world.sockets, &withdrawn).unwrap();
            times[6].push(started.elapsed());
            drop(netns);
        }
        let names =
            ["open", "ensure_bridge (there)", "enter", "attach", "publish", "withdraw", "end_connections"];
        for (name, times) in names.into_iter().zip(times) {
            let median = median(times);
            println!("{name}: median {median:?}");
            assert!(median < Duration::from_millis(50), "{name} took {median:?}");
        }
    });
}
