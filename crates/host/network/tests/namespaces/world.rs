//! A host, what lies outside of it, and containers, as network namespaces.

use ids::{EndpointId, InstanceId, NetworkId, NetworkName};
use kernel::namespace::{self, Kind, Kinds};
use kernel::netlink::link::{Link, VethPair};
use kernel::netlink::{Batch, Family, NLM_F_ACK, Socket, address, link, route};
use kernel::nft::Transaction;
use network::*;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The host's address on the wire to the outside.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The outside's address on the same wire.
pub(crate) const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// br_netfilter's switch; each namespace has its own.
const BRIDGE_FILTER: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";
/// How long a connection that must not come about is waited for.
const PATIENCE: Duration = Duration::from_millis(400);
/// How long one that must come about may take on a busy machine; less than a lost first packet costs.
const AT_MOST: Duration = Duration::from_millis(900);

pub(crate) struct World {
    pub(crate) sockets: NetworkSockets,
    pub(crate) outside: OwnedFd,
}

pub(crate) struct Container {
    pub(crate) netns: OwnedFd,
    pub(crate) config: EndpointConfig,
}

/// Runs the test twice: with frames between a bridge's ports going past the packet filter, and with them going
/// through it (br_netfilter, as Docker and Kubernetes switch it on). The test is told which.
pub(crate) fn host_with_and_without_bridge_filter(
    test: impl Fn(&World, bool) + Send + Sync + Clone + 'static,
) {
    for through_filter in [false, true] {
        let test = test.clone();
        host(move |world| match std::fs::write(BRIDGE_FILTER, if through_filter { "1" } else { "0" }) {
            Ok(()) => test(world, through_filter),
            // The kernel has no br_netfilter: only the first way exists.
            Err(_) if through_filter => {}
            Err(_) => test(world, false),
        });
    }
}

/// Runs the test on a thread that lives in a namespace of its own, the "host".
pub(crate) fn host(test: impl FnOnce(&World) + Send + 'static) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: making network namespaces needs root");
        return;
    }
    let thread = std::thread::spawn(move || {
        let own = new_namespace();
        namespace::enter(own.as_fd(), Kind::Network).unwrap();
        configure_loopback(&NamespaceSocket::open_here().unwrap()).unwrap();
        let outside = new_namespace();
        wire(&outside);
        test(&World { sockets: NetworkSockets::open(&InstanceId::random()).unwrap(), outside });
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

pub(crate) fn new_namespace() -> OwnedFd {
    let mut made = namespace::create(Kinds::NONE.with(Kind::Network)).unwrap();
    made.remove(0).1
}

/// Runs `act` in the namespace, on another thread.
pub(crate) fn inside<T: Send>(netns: &OwnedFd, act: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            namespace::enter(netns.as_fd(), Kind::Network).unwrap();
            act()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A veth pair from the host (`wan0`) to the outside (`eth0`), whose default route leads back here.
fn wire(outside: &OwnedFd) {
    let socket = Socket::open(Family::Route).unwrap();
    let mut batch = Batch::new();
    link::add_veth(
        &mut batch,
        &VethPair {
            name: "wan0",
            master: 0,
            mtu: 1500,
            peer_name: "eth0",
            peer_mac: MacAddr::from_ipv4(OUTSIDE).octets(),
            peer_namespace: outside.as_fd(),
        },
    );
    socket.execute(&mut batch).unwrap();
    let mut batch = Batch::new();
    address::add(&mut batch, link_of("wan0").unwrap().index, HOST, 24, None);
    socket.execute(&mut batch).unwrap();
    inside(outside, || {
        configure_loopback(&NamespaceSocket::open_here().unwrap()).unwrap();
        let index = link_of("eth0").unwrap().index;
        let mut batch = Batch::new();
        address::add(&mut batch, index, OUTSIDE, 24, None);
        link::set_up(&mut batch, index);
        route::add_default(&mut batch, HOST, index);
        Socket::open(Family::Route).unwrap().execute(&mut batch).unwrap();
    });
    while !link_of("wan0").unwrap().is_running {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The interface of that name in the calling thread's namespace.
pub(crate) fn link_of(name: &str) -> Option<Link> {
    let mut found = None;
    let mut batch = Batch::new();
    link::get(&mut batch, name);
    Socket::open(Family::Route)
        .unwrap()
        .exchange(&mut batch, &mut |_, kind, payload| found = Link::parse(kind, payload))
        .unwrap();
    found
}

/// All interfaces of the calling thread's namespace.
pub(crate) fn links() -> Vec<Link> {
    Socket::open(Family::Route).unwrap().list(link::list, Link::parse).unwrap()
}

/// Takes 127.0.0.1 from the loopback interface (`RTM_DELADDR`), and with it the routes that keep what is sent there
/// from leaving.
pub(crate) fn forget_loopback() {
    let mut batch = Batch::new();
    batch.message(21, NLM_F_ACK, &[2, 8, 0, 0, 1, 0, 0, 0]).bytes(2, &Ipv4Addr::LOCALHOST.octets());
    let _ = Socket::open(Family::Route).unwrap().execute(&mut batch);
}

/// All that nft(8) shows of the calling thread's namespace; `None` where nft is not installed.
pub(crate) fn ruleset() -> Option<String> {
    let output = std::process::Command::new("nft").args(["list", "ruleset"]).output().ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

impl World {
    /// What `nft flush ruleset` does to us.
    pub(crate) fn flush_rules(&self) {
        let table = names::table(self.sockets.instance());
        let mut transaction = Transaction::new(kernel::nft::Family::Ip, &table);
        transaction.delete_table();
        transaction.commit(&Socket::open(Family::Netfilter).unwrap()).unwrap();
    }

    /// A network 10.0.`number`.0/24 that was not made yet.
    pub(crate) fn plan(&self, number: u8) -> BridgeNetwork {
        let id = NetworkId::random();
        let subnet = Ipv4Subnet::new(Ipv4Addr::new(10, 0, number, 0), 24).unwrap();
        BridgeNetwork {
            bridge: names::bridge(self.sockets.instance(), &id),
            id,
            name: NetworkName::parse(&format!("net{number}")).unwrap(),
            subnet,
            gateway: subnet.default_gateway(),
            mtu: 1500,
            internal: false,
            icc: true,
            masquerade: true,
            resolves_names: false,
        }
    }

    /// The same, made.
    pub(crate) fn network(&self, number: u8) -> BridgeNetwork {
        let network = self.plan(number);
        ensure_bridge(&self.sockets, &network).unwrap();
        network
    }

    /// An endpoint with the address that ends in `last`.
    pub(crate) fn endpoint(&self, network: &BridgeNetwork, last: u8) -> EndpointConfig {
        let [a, b, c, _] = network.subnet.address().octets();
        let (id, address) = (EndpointId::random(), Ipv4Addr::new(a, b, c, last));
        EndpointConfig {
            host_ifname: names::endpoint_link(self.sockets.instance(), &id),
            id,
            network: network.clone(),
            address,
            prefix_len: network.subnet.prefix_len(),
            mac: MacAddr::from_ipv4(address),
            container_ifname: "eth0".to_owned(),
            aliases: Vec::new(),
            gateway_priority: 0,
            is_fixed: false,
            links: Vec::new(),
        }
    }

    /// A container on the network.
    pub(crate) fn container(&self, network: &BridgeNetwork, last: u8) -> Container {
        let (netns, config) = (new_namespace(), self.endpoint(network, last));
        let attached = attach_endpoint(&self.sockets, &config, netns.as_fd()).unwrap();
        assert_eq!(attached.host_ifname, config.host_ifname);
        Container { netns, config }
    }
}

impl Container {
    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.config.address
    }
}

/// Answers every TCP connection to the port, in that namespace, with the client's address.
pub(crate) fn serve_tcp(netns: &OwnedFd, port: u16) {
    let listener = inside(netns, || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap());
    std::thread::spawn(move || {
        while let Ok((mut stream, client)) = listener.accept() {
            let _ = stream.write_all(client.ip().to_string().as_bytes());
        }
    });
}

/// Answers every datagram to the port, in that namespace, with the client's address.
pub(crate) fn serve_udp(netns: &OwnedFd, port: u16) {
    let socket = inside(netns, || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap());
    std::thread::spawn(move || {
        while let Ok((_, client)) = socket.recv_from(&mut [0; 16]) {
            let _ = socket.send_to(client.ip().to_string().as_bytes(), client);
        }
    });
}

/// What a TCP server there answers to the calling thread's namespace; `None` when there is no connection.
pub(crate) fn ask_tcp(ip: Ipv4Addr, port: u16) -> Option<String> {
    ask_tcp_for(AT_MOST, ip, port)
}

/// The same where no answer is expected.
pub(crate) fn try_tcp(ip: Ipv4Addr, port: u16) -> Option<String> {
    ask_tcp_for(PATIENCE, ip, port)
}

fn ask_tcp_for(patience: Duration, ip: Ipv4Addr, port: u16) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((ip, port)), patience).ok()?;
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The same over UDP, from a socket that is kept so that the flow stays the same.
pub(crate) fn ask_udp_with(socket: &UdpSocket, ip: Ipv4Addr, port: u16) -> Option<String> {
    socket.set_read_timeout(Some(AT_MOST)).unwrap();
    socket.send_to(b"?", SocketAddrV4::new(ip, port)).ok()?;
    let mut answer = [0; 64];
    let (length, _) = socket.recv_from(&mut answer).ok()?;
    Some(String::from_utf8(answer[..length].to_vec()).unwrap())
}

pub(crate) fn udp_client() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap()
}

pub(crate) fn ask_udp(ip: Ipv4Addr, port: u16) -> Option<String> {
    ask_udp_with(&udp_client(), ip, port)
}

pub(crate) fn single(
    protocol: Protocol,
    host_ip: Ipv4Addr,
    host_port: u16,
    container_port: u16,
) -> PortMapping {
    range(protocol, host_ip, host_port, host_port, container_port)
}

pub(crate) fn range(
    protocol: Protocol,
    host_ip: Ipv4Addr,
    first: u16,
    last: u16,
    container_port: u16,
) -> PortMapping {
    let (host_ip, host_port, host_port_end) = (IpAddr::V4(host_ip), first, last);
    PortMapping { protocol, host_ip, host_port, host_port_end, container_port }
}

/// What a client's address looks like in an answer.
pub(crate) fn seen_as(ip: Ipv4Addr) -> Option<String> {
    Some(ip.to_string())
}
