//! `sluice nic`: guests' NICs in networks.

use serde::Serialize;
use serde_json::{Map, Value};
pub(crate) use sluice_api::v1::Nic;
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{Object, object};

use super::port::{drop_packets, link_name};
use super::vhost_user::{self, VhostUserOptions};
use super::{Examples, Noun, Running, Writer, of_kind};
use crate::error::Error;
use crate::file::Fields;
use crate::output::{Column, Row, number, text};
use crate::value::{Mtu, Name, OrEmpty, QueuePairs, StationMac};

/// Options of `nic create` and `nic set`.
#[derive(Debug, clap::Args)]
pub(crate) struct NicOptions {
    /// The network it is in
    #[arg(long, value_name = "NETWORK")]
    network: Option<Name>,
    /// Its MAC address: frames with another source address are dropped [default: '', any]
    #[arg(long, value_name = "ADDRESS")]
    mac: Option<OrEmpty<StationMac>>,
    #[command(flatten)]
    vhost_user: VhostUserOptions,
    /// Most queue pairs offered to the guest, 1 to 16 [default: 0, which is 1]
    #[arg(long, value_name = "PAIRS")]
    queues: Option<QueuePairs>,
    /// Bytes of layer-3 payload, 68 to 9216 [default: 0, which is 1500]
    #[arg(long, value_name = "BYTES")]
    mtu: Option<Mtu>,
}

/// A NIC as `list` and `show` print it.
#[derive(Debug, Serialize)]
pub(crate) struct NicRow {
    name: String,
    network: String,
    mac: String,
    path: String,
    role: &'static str,
    link: &'static str,
    detail: String,
    rx_packets: Option<u64>,
    rx_bytes: Option<u64>,
    tx_packets: Option<u64>,
    tx_bytes: Option<u64>,
    drop_packets: Option<u64>,
    wanted: Map<String, Value>,
}

impl Row for NicRow {
    const COLUMNS: &'static [Column] = &[
        text("NAME", "name"),
        text("NETWORK", "network"),
        text("MAC", "mac"),
        text("LINK", "link"),
        number("RX PACKETS", "rx_packets"),
        number("TX PACKETS", "tx_packets"),
        number("DROPS", "drop_packets"),
        text("ROLE", "role"),
        text("PATH", "path"),
        text("DETAIL", "detail"),
    ];

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Noun for Nic {
    const KIND: Kind = Kind::Nic;
    const EXAMPLES: Examples = Examples {
        list: "sluice nic list",
        show: "sluice nic show red-a",
        create: "sluice nic create red-a --network red --mac 52:54:00:00:00:01 --vhost-user /run/red-a.sock\n\
                 sluice nic create red-b --network red --vhost-user /run/red-b.sock --server --queues 2",
        set: "sluice nic set red-a --mtu 1450\nsluice nic set red-a --mac ''",
        delete: "sluice nic delete red-a",
        watch: "sluice nic watch -o json",
    };

    type Options = NicOptions;
    type Row = NicRow;

    fn named(name: &Name) -> Self {
        Self { name: name.to_string(), ..Self::default() }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn change(&mut self, options: &NicOptions) -> Result<(), Error> {
        let object = format!("nic {}", self.name);
        if let Some(network) = &options.network {
            self.network = network.to_string();
        }
        if let Some(mac) = &options.mac {
            self.mac = mac.text();
        }
        if let Some(mtu) = options.mtu {
            self.mtu = mtu.value();
        }
        options.vhost_user.change(&mut self.vhost_user, &object)?;
        match (&mut self.vhost_user, options.queues) {
            (Some(socket), Some(queues)) => socket.queue_pairs = queues.value(),
            (None, Some(_)) => return Err(no_socket(object)),
            (_, None) => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        let object = format!("nic {}", self.name);
        if self.network.is_empty() {
            return Err(Error::usage(object, "is in no network", "name it with --network NETWORK"));
        }
        if self.vhost_user.is_none() {
            return Err(no_socket(object));
        }
        Ok(())
    }

    fn from_object(object: Object) -> Option<Self> {
        match object.kind {
            Some(object::Kind::Nic(nic)) => Some(nic),
            _ => None,
        }
    }

    fn into_object(self) -> Object {
        Object { kind: Some(object::Kind::Nic(self)) }
    }

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required::<Name>("name");
        let network = fields.required::<Name>("network");
        let mac = fields.optional::<StationMac>("mac").map(|mac| mac.to_string()).unwrap_or_default();
        let mtu = fields.optional("mtu").map_or(0, Mtu::value);
        let missing = fields.positions().all(|(key, _)| key != "vhost_user");
        let vhost_user = fields.nested("vhost_user", vhost_user::read);
        if missing {
            let at = fields.position("name");
            fields.fault(
                at,
                "`vhost_user` is missing".to_owned(),
                "give it: `vhost_user: {path: /run/vm1.sock}`",
            );
        }
        Some(Self { name: name?.into(), network: network?.into(), mac, vhost_user: Some(vhost_user?), mtu })
    }

    fn write(&self) -> Map<String, Value> {
        Writer::named(&self.name)
            .text("network", &self.network)
            .text("mac", &self.mac)
            .number("mtu", self.mtu)
            .nested("vhost_user", self.vhost_user.as_ref().map(vhost_user::write))
            .done()
    }

    fn rows(wanted: &[Object], running: &Running) -> Vec<NicRow> {
        of_kind::<Self>(wanted)
            .into_iter()
            .map(|nic| {
                let port = running.port(&nic.name);
                let wanted = nic.write();
                let socket = nic.vhost_user.unwrap_or_default();
                NicRow {
                    link: port.map_or("unknown", |port| link_name(port.link())),
                    detail: port.map(|port| port.detail.clone()).unwrap_or_default(),
                    rx_packets: port.map(|port| port.rx_packets),
                    rx_bytes: port.map(|port| port.rx_bytes),
                    tx_packets: port.map(|port| port.tx_packets),
                    tx_bytes: port.map(|port| port.tx_bytes),
                    drop_packets: port.map(drop_packets),
                    role: vhost_user::role_name(socket.role()),
                    path: socket.path,
                    name: nic.name,
                    network: nic.network,
                    mac: nic.mac,
                    wanted,
                }
            })
            .collect()
    }
}

fn no_socket(object: String) -> Error {
    Error::usage(object, "has no vhost-user socket", "name it with --vhost-user PATH")
}
