//! `sluice network`: the layer-2 networks of tenants, isolated by VNI.

use serde::Serialize;
use serde_json::{Map, Value};
pub(crate) use sluice_api::v1::Network;
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{Object, object};

use super::nic::Nic;
use super::{Examples, Noun, Running, Writer, of_kind};
use crate::error::Error;
use crate::file::Fields;
use crate::output::{Column, Row, number, text};
use crate::value::{HostAddress, Name, OrEmpty, Vni};

/// Options of `network create` and `network set`.
#[derive(Debug, clap::Args)]
pub(crate) struct NetworkOptions {
    /// The VXLAN network identifier that isolates it, 1 to 16777215; of one network only
    #[arg(long, value_name = "VNI")]
    vni: Option<Vni>,
    /// The local VTEP [default: '', the only one there is, or none: then the network is of this host alone]
    #[arg(long, value_name = "VTEP")]
    vtep: Option<OrEmpty<Name>>,
    /// IP address of another host's VTEP; give it several times or with commas, '' for none
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    remote: Option<Vec<OrEmpty<HostAddress>>>,
}

/// A network as `list` and `show` print it.
#[derive(Debug, Serialize)]
pub(crate) struct NetworkRow {
    name: String,
    vni: u32,
    vtep: String,
    remotes: Vec<String>,
    nics: usize,
    running: bool,
    macs: Option<u32>,
    wanted: Map<String, Value>,
}

impl Row for NetworkRow {
    const COLUMNS: &'static [Column] = &[
        text("NAME", "name"),
        number("VNI", "vni"),
        text("VTEP", "vtep"),
        number("NICS", "nics"),
        text("RUNNING", "running"),
        number("MACS", "macs"),
        text("REMOTES", "remotes"),
    ];

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Noun for Network {
    const KIND: Kind = Kind::Network;
    const LISTED: &'static [Kind] = &[Kind::Network, Kind::Nic];
    const EXAMPLES: Examples = Examples {
        list: "sluice network list",
        show: "sluice network show red",
        create: "sluice network create red --vni 100 --vtep vtep0 --remote 192.168.0.2\n\
                 sluice network create lab --vni 7",
        set: "sluice network set red --remote 192.168.0.2,192.168.0.3",
        delete: "sluice network delete red",
        watch: "sluice network watch red",
    };

    type Options = NetworkOptions;
    type Row = NetworkRow;

    fn named(name: &Name) -> Self {
        Self { name: name.to_string(), ..Self::default() }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn change(&mut self, options: &NetworkOptions) -> Result<(), Error> {
        if let Some(vni) = options.vni {
            self.vni = vni.value();
        }
        if let Some(vtep) = &options.vtep {
            self.vtep = vtep.text();
        }
        if let Some(remotes) = &options.remote {
            self.remotes = OrEmpty::texts(remotes);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        if self.vni == 0 {
            let object = format!("network {}", self.name);
            return Err(Error::usage(object, "has no VNI", "give one with --vni VNI, 1 to 16777215"));
        }
        Ok(())
    }

    fn from_object(object: Object) -> Option<Self> {
        match object.kind {
            Some(object::Kind::Network(network)) => Some(network),
            _ => None,
        }
    }

    fn into_object(self) -> Object {
        Object { kind: Some(object::Kind::Network(self)) }
    }

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required::<Name>("name");
        let vni = fields.required::<Vni>("vni");
        let vtep = fields.optional::<Name>("vtep").map(String::from).unwrap_or_default();
        let remotes = fields.list::<HostAddress>("remotes").iter().map(ToString::to_string).collect();
        Some(Self { name: name?.into(), vni: vni?.value(), vtep, remotes })
    }

    fn write(&self) -> Map<String, Value> {
        Writer::named(&self.name)
            .number("vni", self.vni)
            .text("vtep", &self.vtep)
            .list("remotes", &self.remotes)
            .done()
    }

    fn rows(wanted: &[Object], running: &Running) -> Vec<NetworkRow> {
        let nics = of_kind::<Nic>(wanted);
        of_kind::<Self>(wanted)
            .into_iter()
            .map(|network| {
                let bridge = running.bridge(&network.name);
                NetworkRow {
                    wanted: network.write(),
                    nics: nics.iter().filter(|nic| nic.network == network.name).count(),
                    running: bridge.is_some(),
                    macs: bridge.map(|bridge| bridge.macs),
                    name: network.name,
                    vni: network.vni,
                    vtep: network.vtep,
                    remotes: network.remotes,
                }
            })
            .collect()
    }
}
