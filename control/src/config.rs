//! The configuration file: TOML, every key optional.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// What `--config FILE` says. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The runtime directory, with the control socket.
    pub rundir: PathBuf,
    /// The state directory, with the store.
    pub statedir: PathBuf,
    /// The datapath's socket. None: `datapath.sock` in the runtime directory.
    pub datapath: Option<PathBuf>,
    /// Seconds that a change may take if its caller sets no limit.
    pub apply_timeout_s: u32,
    /// What is logged: a level, or a filter by module as `tracing` understands it.
    pub log: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            rundir: "/run/sluice".into(),
            statedir: "/var/lib/sluice".into(),
            datapath: None,
            apply_timeout_s: 30,
            log: "info".to_owned(),
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
    #[error("configuration: apply_timeout_s is {0}; it must be 1 to 3600 (seconds)")]
    ApplyTimeout(u32),
}

impl Config {
    /// Reads `path`.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config: Config = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        match config.apply_timeout_s {
            1..=3600 => Ok(config),
            other => Err(ConfigError::ApplyTimeout(other)),
        }
    }

    /// The datapath's socket.
    pub fn datapath_socket(&self) -> PathBuf {
        self.datapath.clone().unwrap_or_else(|| self.rundir.join("datapath.sock"))
    }

    /// The time that a change may take if its caller sets no limit.
    pub fn apply_timeout(&self) -> Duration {
        Duration::from_secs(self.apply_timeout_s.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn every_key_has_a_default() {
        assert_eq!(parse("").unwrap(), Config::default());
        let config = parse("rundir = \"/tmp/a\"").unwrap();
        assert_eq!(config.datapath_socket(), Path::new("/tmp/a/datapath.sock"));
    }

    #[test]
    fn mistakes_are_named() {
        let error = parse("rundir = \"/a\"\nstatdir = \"/b\"").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("statdir"), "{error}");
        assert!(matches!(parse("apply_timeout_s = 0"), Err(ConfigError::ApplyTimeout(0))));
        assert!(matches!(Config::read(Path::new("/nonexistent")), Err(ConfigError::Read { .. })));
    }
}
