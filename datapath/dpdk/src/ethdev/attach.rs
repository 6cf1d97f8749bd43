//! Hot-plug of a device, and why it did not work.

use std::ffi::{CStr, CString};
use std::path::Path;

use sluice_dpdk_sys as sys;

use super::{EthDevError, Port};
use crate::eal::log;
use crate::errno::check;
use crate::{Eal, Errno};

pub(super) fn attach(eal: &Eal, devargs: &str) -> Result<Port, EthDevError> {
    let malformed = || EthDevError::Malformed { devargs: devargs.to_owned() };
    let text = CString::new(devargs).map_err(|_| malformed())?;
    let given = Devargs::parse(devargs).ok_or_else(malformed)?;
    // Held to the end: one hot-plug at a time.
    let mut attached = eal.attached();

    let (name, log) = log::errors_during(|| canonical_name(&text));
    let name = name.map_err(|reason| given.diagnose_name(reason, log))?;
    if attached.contains(&name) {
        return Err(EthDevError::AlreadyAttached { device: name });
    }
    // SAFETY: the EAL is up and `text` is NUL-terminated. Hot-plug is serialised by the lock.
    let (result, log) = log::errors_during(|| unsafe { sys::rte_dev_probe(text.as_ptr()) });
    check(result).map_err(|reason| given.diagnose_probe(&name, reason, log))?;
    attached.insert(name.clone());

    let mut id = 0;
    // SAFETY: room for one id, as it is told.
    match unsafe { sys::sluice_eth_matching(text.as_ptr(), &raw mut id, 1) } {
        0 => {
            attached.remove(&name);
            Err(EthDevError::PortCount { device: name, ports: 0 })
        }
        1 => Ok(Port::new(eal, id, name)),
        ports => {
            drop(attached);
            // Detaches the whole device.
            drop(Port::new(eal, id, name.clone()));
            Err(EthDevError::PortCount { device: name, ports })
        }
    }
}

/// The device's name as the bus that knows it writes it.
fn canonical_name(devargs: &CStr) -> Result<String, Errno> {
    let mut name = [0_u8; 128];
    // SAFETY: writes at most as many bytes as it is told, NUL included.
    check(unsafe { sys::sluice_device_name(devargs.as_ptr(), name.as_mut_ptr().cast(), name.len()) })?;
    let name = CStr::from_bytes_until_nul(&name).map_err(|_| Errno::from_result(-libc::ENAMETOOLONG))?;
    Ok(name.to_string_lossy().into_owned())
}

/// A device's name and its driver's arguments.
struct Devargs<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> Devargs<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (name, arguments) = text.split_once(',').unwrap_or((text, ""));
        let plausible = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '-');
        let known_form = !name.is_empty() && name.len() < 64 && name.chars().all(plausible);
        known_form.then_some(Self { name, arguments })
    }

    fn argument(&self, key: &str) -> Option<&'a str> {
        self.arguments
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .find(|(k, _)| *k == key)
            .map(|(_, v)| v)
    }

    /// No bus knows the name.
    fn diagnose_name(&self, reason: Errno, log: Vec<String>) -> EthDevError {
        let device = self.name.to_owned();
        match reason.number() {
            libc::EFAULT | libc::ENODEV | libc::EINVAL => EthDevError::UnknownDriver { device },
            _ => EthDevError::AttachRefused { device, reason, log },
        }
    }

    /// The bus knows the name, but the device was not to be had.
    fn diagnose_probe(&self, device: &str, reason: Errno, log: Vec<String>) -> EthDevError {
        let device = device.to_owned();
        if reason.number() == libc::EEXIST {
            return EthDevError::AlreadyAttached { device };
        }
        if is_pci_address(&device) && !Path::new("/sys/bus/pci/devices").join(&device).exists() {
            return EthDevError::NoSuchPciDevice { device };
        }
        let binds_to_interface =
            ["net_af_packet", "net_af_xdp"].iter().any(|driver| device.starts_with(driver));
        match self.argument("iface") {
            Some(interface) if binds_to_interface && !interface_exists(interface) => {
                EthDevError::NoSuchInterface { device, interface: interface.to_owned() }
            }
            _ => EthDevError::AttachRefused { device, reason, log },
        }
    }
}

/// `DDDD:BB:DD.F`, in hexadecimal.
fn is_pci_address(name: &str) -> bool {
    let hex = |text: &str, digits: usize| text.len() == digits && text.chars().all(|c| c.is_ascii_hexdigit());
    let mut parts = name.split([':', '.']);
    let form = [4, 2, 2, 1].iter().all(|digits| parts.next().is_some_and(|part| hex(part, *digits)));
    form && parts.next().is_none()
}

/// Whether the calling thread's network namespace has it; sysfs may be mounted for another one.
fn interface_exists(name: &str) -> bool {
    let Ok(name) = CString::new(name) else { return false };
    // SAFETY: `name` is NUL-terminated.
    unsafe { libc::if_nametoindex(name.as_ptr()) != 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_pci_addresses_from_names() {
        assert!(is_pci_address("0000:3b:00.0"));
        for other in ["net_null0", "3b:00.0", "0000:3b:00", "0000:3b:00.0.0", "000g:3b:00.0"] {
            assert!(!is_pci_address(other), "{other}");
        }
    }

    #[test]
    fn splits_name_and_arguments() {
        let devargs = Devargs::parse("net_af_packet0,iface=eth1,blocksz=4096").unwrap();
        assert_eq!(devargs.name, "net_af_packet0");
        assert_eq!(devargs.argument("iface"), Some("eth1"));
        assert_eq!(devargs.argument("face"), None);
        assert!(Devargs::parse("").is_none());
        assert!(Devargs::parse(",iface=eth1").is_none());
        assert!(Devargs::parse("net null").is_none());
    }
}
