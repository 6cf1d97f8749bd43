//! `sluice bridge`: forwarding domains with ports and tables of their own.

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{Bridge, BridgeStatus, Object, object};

use super::network::Network;
use super::{Examples, Noun, Running, Writer, of_kind};
use crate::error::Error;
use crate::file::Fields;
use crate::output::{Column, Row, number, text};
use crate::value::{DatapathId, Name, Seconds, TableSize};

/// Options of `bridge create` and `bridge set`.
#[derive(Debug, clap::Args)]
pub(crate) struct BridgeOptions {
    /// OpenFlow datapath id, decimal or 0x and hexadecimal [default: 0, derived from the name]
    #[arg(long, value_name = "ID")]
    dpid: Option<DatapathId>,
    /// Most entries of the table of learned MAC addresses [default: 0, which is 8192]
    #[arg(long, value_name = "ENTRIES")]
    mac_table_size: Option<TableSize>,
    /// Seconds until a learned MAC address that no frame comes from is forgotten [default: 0, which is 300]
    #[arg(long, value_name = "SECONDS")]
    mac_aging: Option<Seconds>,
}

/// A bridge as `list` and `show` print it.
#[derive(Debug, Serialize)]
pub(crate) struct BridgeRow {
    name: String,
    datapath_id: String,
    wanted_by: Option<String>,
    running: bool,
    ports: Option<u32>,
    flows: Option<u64>,
    macs: Option<u32>,
    session_key: Option<Vec<String>>,
    wanted: Option<Map<String, Value>>,
}

impl Row for BridgeRow {
    const COLUMNS: &'static [Column] = &[
        text("NAME", "name"),
        text("DATAPATH ID", "datapath_id"),
        text("WANTED BY", "wanted_by"),
        text("RUNNING", "running"),
        number("PORTS", "ports"),
        number("FLOWS", "flows"),
        number("MACS", "macs"),
        text("SESSION KEY", "session_key"),
    ];

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl BridgeRow {
    fn new(
        name: &str,
        wanted: Option<&Bridge>,
        wanted_by: Option<String>,
        runs: Option<&BridgeStatus>,
    ) -> Self {
        let chosen = wanted.map(|bridge| bridge.datapath_id).filter(|id| *id != 0);
        let datapath_id = runs
            .map(|bridge| bridge.datapath_id)
            .or(chosen)
            .unwrap_or_else(|| sluice_api::datapath_id_of(name));
        Self {
            name: name.to_owned(),
            datapath_id: DatapathId::from(datapath_id).to_string(),
            wanted_by,
            running: runs.is_some(),
            ports: runs.map(|bridge| bridge.ports),
            flows: runs.map(|bridge| bridge.flows),
            macs: runs.map(|bridge| bridge.macs),
            session_key: runs.map(|bridge| bridge.session_key.clone()),
            wanted: wanted.map(Noun::write),
        }
    }
}

impl Noun for Bridge {
    const KIND: Kind = Kind::Bridge;
    const LISTED: &'static [Kind] = &[Kind::Bridge, Kind::Network];
    const RUNS_ALONE: bool = true;
    const EXAMPLES: Examples = Examples {
        list: "sluice bridge list",
        show: "sluice bridge show br0 -o json",
        create: "sluice bridge create br0 --dpid 1\nsluice bridge create br1 --mac-table-size 65536 --mac-aging 60",
        set: "sluice bridge set br0 --mac-aging 600",
        delete: "sluice bridge delete br0",
        watch: "sluice bridge watch -o json",
    };

    type Options = BridgeOptions;
    type Row = BridgeRow;

    fn named(name: &Name) -> Self {
        Self { name: name.to_string(), ..Self::default() }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn change(&mut self, options: &BridgeOptions) -> Result<(), Error> {
        if let Some(id) = options.dpid {
            self.datapath_id = id.value();
        }
        if let Some(size) = options.mac_table_size {
            self.mac_table_size = size.value();
        }
        if let Some(aging) = options.mac_aging {
            self.mac_aging_s = aging.value();
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn from_object(object: Object) -> Option<Self> {
        match object.kind {
            Some(object::Kind::Bridge(bridge)) => Some(bridge),
            _ => None,
        }
    }

    fn into_object(self) -> Object {
        Object { kind: Some(object::Kind::Bridge(self)) }
    }

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required::<Name>("name");
        let datapath_id = fields.optional("datapath_id").map_or(0, DatapathId::value);
        let mac_table_size = fields.optional("mac_table_size").map_or(0, TableSize::value);
        let mac_aging_s = fields.optional("mac_aging_s").map_or(0, Seconds::value);
        Some(Self { name: name?.into(), datapath_id, mac_table_size, mac_aging_s })
    }

    fn write(&self) -> Map<String, Value> {
        // As text: JSON readers lose the low bits of large numbers.
        let id = if self.datapath_id == 0 {
            String::new()
        } else {
            DatapathId::from(self.datapath_id).to_string()
        };
        Writer::named(&self.name)
            .text("datapath_id", &id)
            .number("mac_table_size", self.mac_table_size)
            .number("mac_aging_s", self.mac_aging_s)
            .done()
    }

    fn rows(wanted: &[Object], running: &Running) -> Vec<BridgeRow> {
        let bridges = of_kind::<Self>(wanted);
        let networks = of_kind::<Network>(wanted);
        let mut rows: Vec<BridgeRow> = bridges
            .iter()
            .map(|bridge| {
                let by = format!("bridge {}", bridge.name);
                BridgeRow::new(&bridge.name, Some(bridge), Some(by), running.bridge(&bridge.name))
            })
            .collect();
        for bridge in &running.bridges {
            if rows.iter().all(|row| row.name != bridge.name) {
                let network = networks.iter().find(|network| network.name == bridge.name);
                let by = network.map(|network| format!("network {}", network.name));
                rows.push(BridgeRow::new(&bridge.name, None, by, Some(bridge)));
            }
        }
        rows
    }
}
