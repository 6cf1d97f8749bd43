//! The kernel's own VXLAN device as the other VTEP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::Result;
use crate::guest::{Guest, GuestNic, Image, SocketOwner};
use crate::host::{Host, HostOptions};
use crate::netns::{End, Namespace, join};
use crate::process::Launch;
use crate::stage::Stage;
use crate::underlay::UPLINK;
use crate::vxlan::KernelVtep;

const UNDERLAY_MTU: u32 = 1600;
const MTU: u32 = 1500;
const VNI: u32 = 100;

/// ICMP payload bytes of an echo request that is as long as the MTU: less IPv4's header and ICMP's.
const FULL: u32 = MTU - 20 - 8;
/// The same for IPv6.
const FULL6: u32 = MTU - 40 - 8;

/// The underlay's address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// VXLAN over IPv4.
    Ipv4,
    /// VXLAN over IPv6.
    Ipv6,
}

/// What stands behind Sluice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalSide {
    /// The kernel's stack, by a veth and a DPDK port.
    Stack,
    /// A Linux guest in QEMU, by vhost-user.
    Guest,
}

/// Pings that were answered, in words.
pub type Pings = Vec<String>;

/// Pings both ways between a namespace with the kernel's VTEP and what stands behind Sluice's, small and as long as the
/// MTU, IPv4 and IPv6. Fails with the first that is not answered.
pub fn ping_kernel_vtep(stage: &Stage, family: Family, local: LocalSide) -> Result<Pings> {
    let mut host = Host::start(stage, "host", &HostOptions::default())?;
    let peer = kernel_side(stage, &host, family)?;
    let mut local = Local::start(stage, &host, local)?;
    host.apply("tunnel", &wanted(&host, family, &local))?;
    local.configure()?;

    let mut pings = Pings::new();
    for (from, to, full) in [("10.0.0.1", "10.0.0.2", FULL), ("fd00::1", "fd00::2", FULL6)] {
        for size in [56, full] {
            Launch::line(&format!("ping -M do -c 3 -i 0.2 -W 10 -s {size} {from}")).within(&peer).run()?;
            pings.push(format!("kernel to Sluice, {family:?} underlay, {from}, {size} bytes"));
            local.ping(to, size)?;
            pings.push(format!("Sluice to kernel, {family:?} underlay, {to}, {size} bytes"));
        }
    }
    host.datapath()?.check()?;
    Ok(pings)
}

/// The local side, with the addresses 10.0.0.1 and fd00::1.
#[derive(Debug)]
enum Local {
    Stack(Namespace),
    Guest(Box<Guest>),
}

impl Local {
    fn start(stage: &Stage, host: &Host, side: LocalSide) -> Result<Local> {
        match side {
            LocalSide::Stack => {
                let stack = Namespace::new(stage, "stack")?;
                let inside = End { namespace: host.namespace(), interface: "inside" };
                join(inside, End { namespace: &stack, interface: "eth0" }, MTU)?;
                Ok(Local::Stack(stack))
            }
            LocalSide::Guest => {
                let nic = GuestNic {
                    socket: host.socket("guest"),
                    owner: SocketOwner::Guest,
                    mac: "52:54:00:00:00:01".to_owned(),
                };
                Ok(Local::Guest(Box::new(Guest::start(stage, &Image::build()?, "guest", &nic)?)))
            }
        }
    }

    fn configure(&mut self) -> Result<()> {
        match self {
            Local::Stack(stack) => {
                stack.ipv6(true)?;
                stack.ip("addr add 10.0.0.1/24 dev eth0")?;
                stack.ip("addr add fd00::1/64 dev eth0 nodad")?;
            }
            Local::Guest(guest) => {
                guest.ready()?;
                guest.configure("10.0.0.1/24", MTU)?;
                guest.configure("fd00::1/64", MTU)?;
            }
        }
        Ok(())
    }

    fn ping(&mut self, address: &str, size: u32) -> Result<()> {
        match self {
            Local::Stack(stack) => {
                Launch::line(&format!("ping -M do -c 3 -i 0.2 -W 10 -s {size} {address}"))
                    .within(stack)
                    .run()?;
            }
            Local::Guest(guest) => {
                guest.run(&format!("ping -c 3 -i 0.2 -W 10 -s {size} {address}"))?;
            }
        }
        Ok(())
    }

    /// Its port's kind.
    fn port(&self, host: &Host) -> String {
        match self {
            Local::Stack(_) => "dpdk: {device: 'net_af_packet1,iface=inside'}".to_owned(),
            Local::Guest(_) => format!("vhost_user: {{path: {}}}", host.socket("guest").display()),
        }
    }
}

/// A namespace with the kernel's VTEP at the other end of the host's uplink.
fn kernel_side(stage: &Stage, host: &Host, family: Family) -> Result<Namespace> {
    let peer = Namespace::new(stage, "peer")?;
    join(
        End { namespace: host.namespace(), interface: UPLINK },
        End { namespace: &peer, interface: "eth0" },
        UNDERLAY_MTU,
    )?;
    peer.ipv6(true)?;
    let (ours, theirs) = addresses(family);
    let length = if theirs.is_ipv4() { "24" } else { "64 nodad" };
    peer.ip(&format!("addr add {theirs}/{length} dev eth0"))?;
    let vtep = KernelVtep { interface: "vx0", underlay: "eth0", vni: VNI, local: theirs, remote: ours };
    vtep.create(&peer, MTU)?;
    peer.ip("addr add 10.0.0.2/24 dev vx0")?;
    peer.ip("addr add fd00::2/64 dev vx0 nodad")?;
    Ok(peer)
}

fn wanted(host: &Host, family: Family, local: &Local) -> String {
    let (ours, theirs) = addresses(family);
    let length = if ours.is_ipv4() { 24 } else { 64 };
    format!(
        "bridges:\n- {{name: red}}\nports:\n\
         - {{name: uplink, dpdk: {{device: 'net_af_packet0,iface={UPLINK}'}}, mtu: {UNDERLAY_MTU}}}\n\
         - {{name: local, bridge: red, of_port: 1, {}}}\n\
         - {{name: tunnel, bridge: red, of_port: 2, vxlan: {{vni: {VNI}, vtep: vtep, remotes: ['{theirs}']}}}}\n\
         vteps:\n- {{name: vtep, uplink: uplink, addresses: ['{ours}/{length}']}}\n\
         flows:\n- {{bridge: red, flow: 'actions=NORMAL'}}\n",
        local.port(host)
    )
}

/// Sluice's VTEP and the kernel's.
fn addresses(family: Family) -> (IpAddr, IpAddr) {
    match family {
        Family::Ipv4 => (Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::new(192, 0, 2, 2).into()),
        Family::Ipv6 => (documentation(1).into(), documentation(2).into()),
    }
}

/// An address of the prefix for documentation, 2001:db8::/32.
fn documentation(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)
}
