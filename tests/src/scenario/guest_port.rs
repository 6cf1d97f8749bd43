//! A Linux guest on a bridge with one neighbour: the kernel's stack in a namespace.

use crate::error::{Error, Result};
use crate::guest::{Guest, GuestNic, Image, SocketOwner};
use crate::host::Host;
use crate::netns::{End, Namespace, join};
use crate::process::Launch;
use crate::stage::Stage;

const MTU: u32 = 1500;

/// The bridge `br1` of a host, with the ports `guest` and `outside` (a DPDK port on a veth).
#[derive(Debug)]
pub struct GuestPort {
    image: Image,
    nic: GuestNic,
    outside: Namespace,
}

impl GuestPort {
    /// Adds it to a host. No guest is there yet.
    pub fn add(stage: &Stage, host: &Host, owner: SocketOwner) -> Result<GuestPort> {
        let outside = Namespace::new(stage, "outside")?;
        let inside = End { namespace: host.namespace(), interface: "inside" };
        join(inside, End { namespace: &outside, interface: "eth0" }, MTU)?;
        outside.ip("addr add 10.0.0.254/24 dev eth0")?;
        let socket = host.socket("guest");
        let role = match owner {
            SocketOwner::Guest => "client",
            SocketOwner::Switch => "server",
        };
        let text = format!(
            "bridges:\n- {{name: br1}}\nports:\n\
             - {{name: guest, bridge: br1, of_port: 1, vhost_user: {{path: {}, role: {role}}}}}\n\
             - {{name: outside, bridge: br1, of_port: 2, dpdk: {{device: 'net_af_packet0,iface=inside'}}}}\n\
             flows:\n- {{bridge: br1, flow: 'actions=NORMAL'}}\n",
            socket.display()
        );
        host.apply("guest", &text)?;
        let nic = GuestNic { socket, owner, mac: "52:54:00:00:00:03".to_owned() };
        Ok(GuestPort { image: Image::build()?, nic, outside })
    }

    /// Where the neighbour is, at 10.0.0.254.
    pub fn outside(&self) -> &Namespace {
        &self.outside
    }

    /// Boots a guest, at 10.0.0.3, and pings it.
    pub fn boot(&self, stage: &Stage) -> Result<Guest> {
        let mut guest = Guest::start(stage, &self.image, "guest", &self.nic)?;
        guest.ready()?;
        guest.configure("10.0.0.3/24", MTU)?;
        self.ping()?;
        Ok(guest)
    }

    /// Pings the guest from outside; fails if one ping is not answered.
    pub fn ping(&self) -> Result<()> {
        let text = Launch::line("ping -c 3 -i 0.2 -W 10 10.0.0.3").within(&self.outside).run()?;
        if text.contains(" 0% packet loss") {
            Ok(())
        } else {
            Err(Error::Unexpected { what: "ping".to_owned(), found: text })
        }
    }
}
