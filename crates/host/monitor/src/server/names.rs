//! The sandbox's names on its networks, and its resolver: what the others know of it, and how it finds them.

use super::Monitor;
use super::isolation::{Failure, ResolverPlace};
use super::reactor::{Interest, Token};
use super::timers::Timer;
use crate::clock;
use crate::desired::{Desired, NetworkPlan};
use crate::events::{self, Event};
use crate::servant::{self, GRANTED, Order, REFUSED, Request, View};
use kernel::seqpacket;
use network::dns::{self, NAMES_MAX, PublishedEndpoint};
use network::resolv_conf::FALLBACK_SERVERS;
use network::{EndpointConfig, gateway_endpoint, host_resolver};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Until a servant that ended is started again; doubled with each time, up to the longest.
const RESTART_DELAY: Duration = Duration::from_millis(50);
const RESTART_DELAY_MAX: Duration = Duration::from_secs(10);

/// The sandbox's resolver.
#[derive(Debug)]
pub(super) struct Resolver {
    place: ResolverPlace,
    servant: Option<Servant>,
    /// How often it ended by itself.
    ends: u32,
}

/// A running servant. Both descriptors end with it.
#[derive(Debug)]
struct Servant {
    process: Child,
    control: OwnedFd,
    /// What it may have sockets to; nothing where it makes them itself.
    upstreams: Vec<IpAddr>,
}

pub(super) fn endpoints(desired: &Desired) -> &[EndpointConfig] {
    match &desired.network {
        NetworkPlan::Bridge { endpoints, .. } => endpoints,
        _ => &[],
    }
}

/// Under which names an endpoint is found: the container's, its short id, its host name, and those that were asked for.
fn names_of(desired: &Desired, endpoint: &EndpointConfig) -> Vec<String> {
    let own = [desired.name.as_str(), desired.id.short()];
    let mut names: Vec<String> = Vec::new();
    let hostname = desired.spec.hostname.as_str();
    for name in own.into_iter().chain([hostname]).chain(endpoint.aliases.iter().map(String::as_str)) {
        let name = name.to_ascii_lowercase();
        if !name.is_empty() && !names.contains(&name) && names.len() < NAMES_MAX {
            names.push(name);
        }
    }
    names
}

/// Whom other names are asked of, and who reaches them.
fn upstreams(network: &NetworkPlan) -> (Vec<IpAddr>, View) {
    let NetworkPlan::Bridge { endpoints, servers, .. } = network else { return (Vec::new(), View::Sandbox) };
    if gateway_endpoint(endpoints).is_none() {
        // No way out, not even by names.
        return (Vec::new(), View::Sandbox);
    }
    if !servers.is_empty() {
        return (servers.clone(), View::Sandbox);
    }
    match host_resolver().servers {
        none if none.is_empty() => (FALLBACK_SERVERS.to_vec(), View::Sandbox),
        some if some.iter().any(IpAddr::is_loopback) => (some, View::Host),
        some => (some, View::Sandbox),
    }
}

/// `other:alias` as alias and other.
fn links(endpoints: &[EndpointConfig]) -> BTreeMap<String, String> {
    let links = endpoints.iter().flat_map(|endpoint| &endpoint.links);
    let pair = |link: &String| {
        let (other, alias) = link.split_once(':')?;
        Some((alias.to_ascii_lowercase(), other.to_ascii_lowercase()))
    };
    links.filter_map(pair).collect()
}

impl Monitor {
    /// The sandbox is on its networks: the others hear of it, and its resolver begins.
    pub(super) fn begin_names(&mut self) -> Result<(), Failure> {
        self.publish_endpoints()?;
        for endpoint in endpoints(&self.desired) {
            self.network_event("connect", endpoint);
        }
        self.begin_resolver()
    }

    /// What was desired before has been replaced by what is desired now, and the sandbox is where that says.
    pub(super) fn change_names(&mut self, before: &Desired) -> Result<(), Failure> {
        let now = endpoints(&self.desired);
        for gone in endpoints(before).iter().filter(|old| now.iter().all(|new| new.id != old.id)) {
            self.withdraw(gone);
            self.network_event("disconnect", gone);
        }
        let new = now.iter().filter(|new| endpoints(before).iter().all(|old| old.id != new.id));
        new.for_each(|endpoint| self.network_event("connect", endpoint));
        self.publish_endpoints()?;
        self.stop_servant();
        if self.resolver.is_none() { self.begin_resolver() } else { self.start_servant() }
    }

    /// The same for a running sandbox whose monitor died. It goes on without names rather than without a monitor.
    pub(super) fn adopt_names(&mut self) {
        let done =
            self.publish_endpoints().and_then(|()| self.begin_resolver()).and_then(|()| self.acknowledge());
        if let Err(failure) = done {
            self.event("resolver_failed", &[("error", &failure.message)]);
        }
    }

    /// The sandbox goes: nobody finds it any more.
    pub(super) fn end_names(&mut self) {
        self.stop_servant();
        self.resolver = None;
        for endpoint in endpoints(&self.desired) {
            self.withdraw(endpoint);
            self.network_event("disconnect", endpoint);
        }
    }

    /// The same without a word: a start that failed, or what a dead monitor left.
    pub(super) fn forget_names(&mut self) {
        self.stop_servant();
        self.resolver = None;
        endpoints(&self.desired).iter().for_each(|endpoint| self.withdraw(endpoint));
    }

    fn publish_endpoints(&self) -> Result<(), Failure> {
        let failed = |error: dns::DirectoryError| Failure::host(&error);
        for endpoint in endpoints(&self.desired).iter().filter(|endpoint| endpoint.network.resolves_names) {
            let directory = self.network_directory(endpoint)?;
            let names = names_of(&self.desired, endpoint);
            let published = PublishedEndpoint { address: endpoint.address, names };
            dns::publish(directory.as_fd(), &endpoint.id, &published).map_err(failed)?;
        }
        Ok(())
    }

    /// What cannot be withdrawn now is found by `system check`.
    fn withdraw(&self, endpoint: &EndpointConfig) {
        if endpoint.network.resolves_names
            && let Ok(directory) = self.network_directory(endpoint)
        {
            let _ = dns::withdraw(directory.as_fd(), &endpoint.id);
        }
    }

    fn network_directory(&self, endpoint: &EndpointConfig) -> Result<OwnedFd, Failure> {
        let networks = self.place.networks().map_err(|errno| Failure::host(&std::io::Error::from(errno)))?;
        dns::open_directory(networks.as_fd(), &endpoint.network.id).map_err(|error| Failure::host(&error))
    }

    /// Makes the resolver's place, if a network wants one, and starts it.
    pub(super) fn begin_resolver(&mut self) -> Result<(), Failure> {
        if !endpoints(&self.desired).iter().any(|endpoint| endpoint.network.resolves_names) {
            return Ok(());
        }
        if let Some(place) = self.isolation.open_resolver()? {
            self.resolver = Some(Resolver { place, servant: None, ends: 0 });
            self.start_servant()?;
        }
        Ok(())
    }

    /// Starts the servant; queries that come before it is ready wait in its sockets.
    pub(super) fn start_servant(&mut self) -> Result<(), Failure> {
        let named = endpoints(&self.desired).iter().filter(|endpoint| endpoint.network.resolves_names);
        let named: Vec<&EndpointConfig> = named.take(servant::fds::NETWORKS_MAX).collect();
        if named.is_empty() {
            return Ok(());
        }
        let directories: Vec<OwnedFd> =
            named.iter().map(|endpoint| self.network_directory(endpoint)).collect::<Result<_, _>>()?;
        let (upstreams, view) = upstreams(&self.desired.network);
        let order = Order {
            build: self.build.clone(),
            networks: named.iter().map(|endpoint| endpoint.network.name.to_string()).collect(),
            links: links(endpoints(&self.desired)),
            upstreams,
            view,
        };
        let Some(resolver) = &mut self.resolver else { return Ok(()) };
        let place = &resolver.place;
        let fixed = [&place.namespace, &place.listeners.datagrams, &place.listeners.connections];
        let fds: Vec<_> = fixed.into_iter().chain(&directories).map(AsFd::as_fd).collect();
        let servant = spawn(order, &fds).map_err(|error| Failure::host(&error))?;
        self.reactor
            .add(&servant.control, Token::Servant, Interest::READ)
            .map_err(|errno| Failure::host(&std::io::Error::from(errno)))?;
        resolver.servant = Some(servant);
        Ok(())
    }

    fn stop_servant(&mut self) {
        self.timers.clear(Timer::Servant);
        let servant = self.resolver.as_mut().and_then(|resolver| resolver.servant.take());
        if let Some(mut servant) = servant {
            self.reactor.remove(&servant.control);
            // It is our child and was not reaped: the number is its own.
            let _ = servant.process.kill();
            let _ = servant.process.wait();
        }
    }

    /// Whether the child that ended was the servant; if so, another one is started soon.
    pub(super) fn servant_ended(&mut self, pid: i32) -> bool {
        let Some(resolver) = &mut self.resolver else { return false };
        let is_servant = |servant: &mut Servant| i32::try_from(servant.process.id()) == Ok(pid);
        let Some(servant) = resolver.servant.take_if(is_servant) else { return false };
        self.reactor.remove(&servant.control);
        let delay = RESTART_DELAY.saturating_mul(1 << resolver.ends.min(10)).min(RESTART_DELAY_MAX);
        resolver.ends += 1;
        self.timers.set(Timer::Servant, clock::boot_ns(), delay);
        true
    }

    /// The delay is over.
    pub(super) fn restart_servant(&mut self) {
        if let Err(failure) = self.start_servant() {
            self.event("resolver_failed", &[("error", &failure.message)]);
            self.timers.set(Timer::Servant, clock::boot_ns(), RESTART_DELAY_MAX);
        }
    }

    /// The servant wants a socket to a name server of the host, or is gone.
    pub(super) fn servant_asks(&mut self) {
        let Some(servant) = self.resolver.as_ref().and_then(|resolver| resolver.servant.as_ref()) else {
            return;
        };
        let mut buffer = [0; 8];
        let asked = seqpacket::receive(servant.control.as_fd(), &mut buffer).map(|(length, _)| length);
        let request = match asked {
            Ok(length) if length > 0 => Request::from_bytes(&buffer[..length]),
            // Its end is told by its exit; until then its socket must not wake us.
            _ => return self.reactor.remove(&servant.control),
        };
        let server = request.and_then(|request| servant.upstreams.get(usize::from(request.upstream)));
        let socket =
            request.zip(server).and_then(|(request, server)| servant::connect(*server, request.stream).ok());
        let fds: Vec<_> = socket.iter().map(AsFd::as_fd).collect();
        let answer = if fds.is_empty() { REFUSED } else { GRANTED };
        // It waits for the answer, so there is room; a servant that is gone needs none.
        let _ = seqpacket::send(servant.control.as_fd(), &[answer], &fds);
    }

    fn network_event(&self, action: &str, endpoint: &EndpointConfig) {
        let network = &endpoint.network;
        let event = Event::now("network", action, network.id.as_str())
            .with("container", self.desired.id.to_string())
            .with("name", network.name.to_string())
            .with("type", "bridge");
        if let Ok(directory) = self.place.events() {
            // Best effort, as every event.
            let _ = events::append(directory.as_fd(), &event);
        }
    }
}

fn spawn(order: Order, fds: &[std::os::fd::BorrowedFd<'_>]) -> std::io::Result<Servant> {
    let (ours, theirs) = seqpacket::pair()?;
    let process = Command::new("/proc/self/exe")
        .arg0("sampan-runtime")
        .arg("resolve")
        .env_clear()
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let message = serde_json::to_vec(&order)?;
    // One that has ended already is reaped and started again.
    let _ = seqpacket::send(ours.as_fd(), &message, fds);
    rustix::io::ioctl_fionbio(&ours, true)?;
    let upstreams = if order.view == View::Host { order.upstreams } else { Vec::new() };
    Ok(Servant { process, control: ours, upstreams })
}
