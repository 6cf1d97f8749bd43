//! The objects that the datapath is told of, parsed: a spec cannot hold an illegal value.

use std::fmt::Display;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use sluice_api::v1;
use sluice_overlay::{Remote, VXLAN_PORT, Vni, Vtep, VtepAddress};

use super::refusal::Refusal;

/// The longest Unix socket path the kernel takes, in bytes.
const LONGEST_SOCKET_PATH: usize = 107;
/// The highest OpenFlow port number that is not reserved (OpenFlow 1.3.5 §7.2.1), less what OVS keeps for itself.
const HIGHEST_OF_PORT: u32 = 0xfeff;
/// Most queue pairs of a guest's NIC.
const MOST_QUEUE_PAIRS: u32 = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BridgeSpec {
    pub(crate) name: String,
    pub(crate) datapath_id: u64,
    pub(crate) mac_table_size: u32,
    pub(crate) mac_aging_s: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortSpec {
    pub(crate) name: String,
    /// `None`: an uplink that serves VTEPs alone.
    pub(crate) bridge: Option<String>,
    /// `None`: the lowest free one.
    pub(crate) of_port: Option<u32>,
    pub(crate) kind: PortKind,
    pub(crate) mtu: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PortKind {
    VhostUser { path: PathBuf, server: bool, queue_pairs: u16 },
    Dpdk { device: String, queues: u16 },
    Vxlan { vni: Vni, vtep: String, remotes: Vec<Remote> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VtepSpec {
    pub(crate) name: String,
    pub(crate) uplink: String,
    pub(crate) vtep: Vtep,
}

impl PortKind {
    /// What the API calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            PortKind::VhostUser { .. } => "vhost-user",
            PortKind::Dpdk { .. } => "dpdk",
            PortKind::Vxlan { .. } => "vxlan",
        }
    }
}

impl TryFrom<v1::Bridge> for BridgeSpec {
    type Error = Refusal;

    fn try_from(bridge: v1::Bridge) -> Result<Self, Refusal> {
        let object = format!("bridge {}", bridge.name);
        check_name(&object, &bridge.name)?;
        let or = |value, default| if value == 0 { default } else { value };
        let mac_table_size = or(bridge.mac_table_size, 8192);
        if mac_table_size > 1 << 20 {
            let message = format!("mac_table_size {mac_table_size} is too large");
            return Err(Refusal::invalid(object, message, "give 1 to 1048576"));
        }
        Ok(BridgeSpec {
            datapath_id: bridge.datapath_id,
            mac_table_size,
            mac_aging_s: or(bridge.mac_aging_s, 300),
            name: bridge.name,
        })
    }
}

impl TryFrom<v1::Port> for PortSpec {
    type Error = Refusal;

    fn try_from(port: v1::Port) -> Result<Self, Refusal> {
        let object = format!("port {}", port.name);
        check_name(&object, &port.name)?;
        if port.of_port > HIGHEST_OF_PORT {
            let message = format!("OpenFlow port {} is reserved or out of range", port.of_port);
            return Err(Refusal::invalid(object, message, format!("give 1 to {HIGHEST_OF_PORT}")));
        }
        let mtu = match port.mtu {
            0 => 1500,
            mtu => match u16::try_from(mtu) {
                Ok(mtu) if (68..=9216).contains(&mtu) => mtu,
                _ => {
                    return Err(Refusal::invalid(
                        object,
                        format!("MTU {mtu} is out of range"),
                        "give 68 to 9216",
                    ));
                }
            },
        };
        let kind = match port.kind {
            Some(v1::port::Kind::VhostUser(vhost_user)) => vhost_kind(&object, vhost_user)?,
            Some(v1::port::Kind::Dpdk(dpdk)) => dpdk_kind(&object, dpdk)?,
            Some(v1::port::Kind::Vxlan(vxlan)) => vxlan_kind(&object, vxlan)?,
            None => {
                return Err(Refusal::invalid(
                    object,
                    "has no kind",
                    "give one of vhost_user, dpdk and vxlan",
                ));
            }
        };
        let bridge = Some(port.bridge).filter(|name| !name.is_empty());
        if bridge.is_none() && !matches!(kind, PortKind::Dpdk { .. }) {
            return Err(Refusal::invalid(object, "belongs to no bridge", "name its bridge"));
        }
        let of_port = Some(port.of_port).filter(|&number| number != 0);
        Ok(PortSpec { name: port.name, bridge, of_port, kind, mtu })
    }
}

impl TryFrom<v1::Vtep> for VtepSpec {
    type Error = Refusal;

    fn try_from(vtep: v1::Vtep) -> Result<Self, Refusal> {
        let object = format!("vtep {}", vtep.name);
        check_name(&object, &vtep.name)?;
        let refused = |error: &dyn Display| {
            Refusal::invalid(
                &object,
                error,
                "give one IPv4 and/or one IPv6 address with its prefix: 192.168.0.1/24",
            )
        };
        let addresses =
            vtep.addresses.iter().map(|text| text.parse::<VtepAddress>()).collect::<Result<Vec<_>, _>>();
        let addresses = addresses.map_err(|error| refused(&error))?;
        let gateways = vtep.gateways.iter().map(|text| text.parse::<IpAddr>()).collect::<Result<Vec<_>, _>>();
        let gateways = gateways.map_err(|error| refused(&format!("gateway: {error}")))?;
        let udp_port = match vtep.udp_port {
            0 => VXLAN_PORT,
            port => u16::try_from(port).ok().and_then(NonZeroU16::new).ok_or_else(|| {
                Refusal::invalid(&object, format!("UDP port {port} is out of range"), "give 1 to 65535")
            })?,
        };
        let ends = Vtep::new(&addresses, &gateways, udp_port).map_err(|error| refused(&error))?;
        Ok(VtepSpec { name: vtep.name, uplink: vtep.uplink, vtep: ends })
    }
}

fn vhost_kind(object: &str, vhost: v1::VhostUser) -> Result<PortKind, Refusal> {
    if vhost.path.is_empty() || vhost.path.len() > LONGEST_SOCKET_PATH {
        let message = format!("socket path of {} bytes", vhost.path.len());
        return Err(Refusal::invalid(object, message, format!("give 1 to {LONGEST_SOCKET_PATH} bytes")));
    }
    let pairs = if vhost.queue_pairs == 0 { 1 } else { vhost.queue_pairs };
    let queue_pairs = match u16::try_from(pairs) {
        Ok(number) if pairs <= MOST_QUEUE_PAIRS => number,
        _ => {
            let message = format!("{pairs} queue pairs are too many");
            return Err(Refusal::invalid(object, message, format!("give 1 to {MOST_QUEUE_PAIRS}")));
        }
    };
    let server = vhost.role() == v1::vhost_user::Role::Server;
    Ok(PortKind::VhostUser { path: PathBuf::from(vhost.path), server, queue_pairs })
}

fn dpdk_kind(object: &str, dpdk: v1::Dpdk) -> Result<PortKind, Refusal> {
    if dpdk.device.is_empty() {
        return Err(Refusal::invalid(object, "names no DPDK device", "give one, such as 0000:3b:00.0"));
    }
    let queues = if dpdk.queues == 0 { 1 } else { dpdk.queues };
    match u16::try_from(queues) {
        Ok(queues) if queues <= 64 => Ok(PortKind::Dpdk { device: dpdk.device, queues }),
        _ => Err(Refusal::invalid(object, format!("{queues} queues are too many"), "give 1 to 64")),
    }
}

fn vxlan_kind(object: &str, vxlan: v1::Vxlan) -> Result<PortKind, Refusal> {
    let vni = Vni::new(vxlan.vni)
        .map_err(|error| Refusal::invalid(object, error, "give a VNI from 1 to 16777215"))?;
    let mut remotes = vxlan.remotes.iter().map(|text| remote(object, text)).collect::<Result<Vec<_>, _>>()?;
    remotes.sort_unstable();
    if remotes.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(Refusal::invalid(object, "names a remote VTEP twice", "name each once"));
    }
    Ok(PortKind::Vxlan { vni, vtep: vxlan.vtep, remotes })
}

fn check_name(object: &str, name: &str) -> Result<(), Refusal> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
        let message = format!("{name:?} is not a name");
        return Err(Refusal::invalid(object, message, "use 1 to 64 of A-Z a-z 0-9 . _ -"));
    }
    Ok(())
}

fn remote(object: &str, text: &str) -> Result<Remote, Refusal> {
    let refused = |error: &dyn Display| {
        Refusal::invalid(object, format!("remote {text:?}: {error}"), "write it as 192.168.0.2 or fd00::2")
    };
    let address: IpAddr = text.parse().map_err(|error| refused(&error))?;
    Remote::new(address).map_err(|error| refused(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vxlan(vni: u32) -> v1::Port {
        v1::Port {
            name: "vx".into(),
            bridge: "br0".into(),
            kind: Some(v1::port::Kind::Vxlan(v1::Vxlan { vni, vtep: "v".into(), remotes: vec![] })),
            ..Default::default()
        }
    }

    #[test]
    fn vni_0_and_2_to_the_24_are_refused_by_value() {
        for vni in [0, 1 << 24] {
            let error = PortSpec::try_from(vxlan(vni)).unwrap_err().into_api();
            assert!(error.message.contains(&vni.to_string()), "{error:?}");
            assert_eq!(error.object, "port vx");
        }
        assert!(PortSpec::try_from(vxlan(0xff_ffff)).is_ok());
    }

    #[test]
    fn a_vtep_needs_an_address_with_its_prefix() {
        let vtep = |addresses: &[&str]| v1::Vtep {
            name: "v".into(),
            uplink: "up".into(),
            addresses: addresses.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        assert!(VtepSpec::try_from(vtep(&["192.168.0.1/24", "fd00::1/64"])).is_ok());
        for wrong in
            [&[][..], &["192.168.0.1"], &["192.168.0.1/33"], &["224.0.0.1/8"], &["1.1.1.1/8", "2.2.2.2/8"]]
        {
            assert!(VtepSpec::try_from(vtep(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_mtus_and_paths_are_checked() {
        let port = |name: &str, mtu, path: &str| v1::Port {
            name: name.into(),
            bridge: "br0".into(),
            mtu,
            kind: Some(v1::port::Kind::VhostUser(v1::VhostUser { path: path.into(), ..Default::default() })),
            ..Default::default()
        };
        assert!(PortSpec::try_from(port("vm1", 0, "/run/vm1.sock")).is_ok());
        assert!(PortSpec::try_from(port("vm 1", 0, "/run/vm1.sock")).is_err());
        assert!(PortSpec::try_from(port("vm1", 67, "/run/vm1.sock")).is_err());
        assert!(PortSpec::try_from(port("vm1", 0, &"x".repeat(108))).is_err());
    }
}
