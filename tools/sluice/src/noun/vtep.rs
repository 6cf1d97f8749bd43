//! `sluice vtep`: local VXLAN tunnel endpoints.

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{Object, Vtep, object};

use super::port::link_name;
use super::{Examples, Noun, Running, Writer, of_kind};
use crate::error::Error;
use crate::file::Fields;
use crate::output::{Column, Row, number, text};
use crate::value::{HostAddress, InterfaceAddress, Name, OrEmpty, UdpPort};

/// Options of `vtep create` and `vtep set`.
#[derive(Debug, clap::Args)]
pub(crate) struct VtepOptions {
    /// The port of kind dpdk that reaches the underlay
    #[arg(long, value_name = "PORT")]
    uplink: Option<Name>,
    /// Its IP address with prefix length, at most one IPv4 and one IPv6; give it twice or with a comma
    #[arg(long, value_name = "ADDRESS/LENGTH", value_delimiter = ',')]
    address: Option<Vec<InterfaceAddress>>,
    /// Next hop to VTEPs off the link, at most one IPv4 and one IPv6; '' for none
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    gateway: Option<Vec<OrEmpty<HostAddress>>>,
    /// UDP destination port of VXLAN [default: 0, which is 4789]
    #[arg(long, value_name = "PORT")]
    udp_port: Option<UdpPort>,
}

/// A VTEP as `list` and `show` print it.
#[derive(Debug, Serialize)]
pub(crate) struct VtepRow {
    name: String,
    uplink: String,
    uplink_link: &'static str,
    addresses: Vec<String>,
    gateways: Vec<String>,
    udp_port: u32,
    wanted: Map<String, Value>,
}

impl Row for VtepRow {
    const COLUMNS: &'static [Column] = &[
        text("NAME", "name"),
        text("UPLINK", "uplink"),
        text("LINK", "uplink_link"),
        text("ADDRESSES", "addresses"),
        text("GATEWAYS", "gateways"),
        number("UDP PORT", "udp_port"),
    ];

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Noun for Vtep {
    const KIND: Kind = Kind::Vtep;
    const EXAMPLES: Examples = Examples {
        list: "sluice vtep list",
        show: "sluice vtep show vtep0",
        create: "sluice vtep create vtep0 --uplink up0 --address 192.168.0.1/24\n\
                 sluice vtep create vtep0 --uplink up0 --address 10.1.0.1/24,fd00:1::1/64 --gateway 10.1.0.254,fd00:1::fe",
        set: "sluice vtep set vtep0 --gateway 192.168.0.254",
        delete: "sluice vtep delete vtep0",
        watch: "sluice vtep watch",
    };

    type Options = VtepOptions;
    type Row = VtepRow;

    fn named(name: &Name) -> Self {
        Self { name: name.to_string(), ..Self::default() }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn change(&mut self, options: &VtepOptions) -> Result<(), Error> {
        if let Some(uplink) = &options.uplink {
            self.uplink = uplink.to_string();
        }
        if let Some(addresses) = &options.address {
            self.addresses = addresses.iter().map(ToString::to_string).collect();
        }
        if let Some(gateways) = &options.gateway {
            self.gateways = OrEmpty::texts(gateways);
        }
        if let Some(port) = options.udp_port {
            self.udp_port = port.value();
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        let object = format!("vtep {}", self.name);
        if self.uplink.is_empty() {
            return Err(Error::usage(object, "has no uplink", "name a port of kind dpdk with --uplink PORT"));
        }
        if self.addresses.is_empty() {
            return Err(Error::usage(object, "has no address", "give one with --address 192.168.0.1/24"));
        }
        match one_a_family(&self.addresses) && one_a_family(&self.gateways) {
            true => Ok(()),
            false => Err(Error::usage(object, TWO_OF_A_FAMILY, ONE_A_FAMILY)),
        }
    }

    fn from_object(object: Object) -> Option<Self> {
        match object.kind {
            Some(object::Kind::Vtep(vtep)) => Some(vtep),
            _ => None,
        }
    }

    fn into_object(self) -> Object {
        Object { kind: Some(object::Kind::Vtep(self)) }
    }

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required::<Name>("name");
        let uplink = fields.required::<Name>("uplink");
        let texts = |list: Vec<InterfaceAddress>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let addresses = texts(fields.list("addresses"));
        let gateways: Vec<_> =
            fields.list::<HostAddress>("gateways").iter().map(ToString::to_string).collect();
        let udp_port = fields.optional("udp_port").map_or(0, UdpPort::value);
        if addresses.is_empty() {
            let at = fields.position("addresses");
            fields.fault(at, "has no address".to_owned(), "give one: `addresses: [192.168.0.1/24]`");
        }
        for (key, list) in [("addresses", &addresses), ("gateways", &gateways)] {
            if !one_a_family(list) {
                fields.fault(fields.position(key), format!("{key}: {TWO_OF_A_FAMILY}"), ONE_A_FAMILY);
            }
        }
        Some(Self { name: name?.into(), uplink: uplink?.into(), addresses, gateways, udp_port })
    }

    fn write(&self) -> Map<String, Value> {
        Writer::named(&self.name)
            .text("uplink", &self.uplink)
            .list("addresses", &self.addresses)
            .list("gateways", &self.gateways)
            .number("udp_port", self.udp_port)
            .done()
    }

    fn rows(wanted: &[Object], running: &Running) -> Vec<VtepRow> {
        of_kind::<Self>(wanted)
            .into_iter()
            .map(|vtep| VtepRow {
                uplink_link: running.port(&vtep.uplink).map_or("unknown", |port| link_name(port.link())),
                wanted: vtep.write(),
                name: vtep.name,
                uplink: vtep.uplink,
                addresses: vtep.addresses,
                gateways: vtep.gateways,
                udp_port: if vtep.udp_port == 0 { 4789 } else { vtep.udp_port },
            })
            .collect()
    }
}

const TWO_OF_A_FAMILY: &str = "two of one family";
const ONE_A_FAMILY: &str = "give at most one IPv4 and one IPv6";

/// Addresses are text here, and only IPv6 has colons.
fn one_a_family(addresses: &[String]) -> bool {
    let v6 = addresses.iter().filter(|address| address.contains(':')).count();
    v6 <= 1 && addresses.len() - v6 <= 1
}
