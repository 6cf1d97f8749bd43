//! The datapath's configuration: a TOML file, every key with a default.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What `--config FILE` says. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether DPDK's memory comes from hugepages; `false` runs on a laptop, slower.
    pub hugepages: bool,
    /// The most memory DPDK may take, in MiB.
    pub memory_mb: u32,
    /// The CPUs that workers are pinned to, one each. Empty: the last CPU of each NUMA node.
    pub cpus: Vec<u32>,
    /// What a worker does when nothing arrives.
    pub idle: Idle,
    /// Most sessions a worker keeps.
    pub session_limit: u32,
    /// Seconds after which a session that no packet uses is forgotten.
    pub session_idle_s: u32,
    /// Packet buffers of each DPDK port.
    pub port_mbufs: u32,
    /// More arguments for DPDK's EAL, as in its own documentation.
    pub eal_args: Vec<String>,
}

/// How a worker spends its time when nothing arrives.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Idle {
    /// Poll, then pause, then sleep until a guest or the wire calls.
    #[default]
    Adaptive,
    /// Poll for ever: the lowest latency, a whole core.
    Poll,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            hugepages: true,
            memory_mb: 1024,
            cpus: Vec::new(),
            idle: Idle::default(),
            session_limit: 1 << 20,
            session_idle_s: 30,
            port_mbufs: 8192,
            eal_args: Vec::new(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what this version understands; the text has line and column.
    #[error("configuration {path}: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
    /// A value is out of range.
    #[error("configuration: {key} is {value}; it must be {range}")]
    Range {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What is accepted.
        range: &'static str,
    },
}

impl Config {
    /// Reads `path`.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config: Config = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let range = |key, value: u32, low, high, range| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(ConfigError::Range { key, value: value.to_string(), range })
            }
        };
        range("memory_mb", self.memory_mb, 32, 1 << 20, "32 to 1048576 (MiB)")?;
        range("session_limit", self.session_limit, 1024, 1 << 26, "1024 to 67108864")?;
        range("session_idle_s", self.session_idle_s, 1, 86_400, "1 to 86400 (seconds)")?;
        range("port_mbufs", self.port_mbufs, 512, 1 << 22, "512 to 4194304")?;
        let mut cpus = self.cpus.clone();
        cpus.sort_unstable();
        cpus.dedup();
        if cpus.len() != self.cpus.len() {
            let value = format!("{:?}", self.cpus);
            return Err(ConfigError::Range { key: "cpus", value, range: "each CPU once" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("datapath.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = parse("hugepages = false\nidel = \"poll\"\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("idel"), "{error}");
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let error = parse("memory_mb = 1").unwrap_err().to_string();
        assert!(error.contains("memory_mb is 1"), "{error}");
        assert!(parse("cpus = [1, 1]").is_err());
    }
}
