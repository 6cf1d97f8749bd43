//! Finds the system's libdpdk by pkg-config, compiles the shim and generates the bindings.
//!
//! Linking is dynamic and lists every library that `libdpdk.pc` lists; the linker's `--as-needed` then keeps
//! those whose symbols the shim or the bindings use. Nothing else has to stay: drivers and mempool handlers
//! are plugins that the EAL loads from its own folder, and each names the libraries it needs.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

/// The first release with `rxmode.mtu`; 22.11 is the oldest that is tested.
const MINIMUM_DPDK: &str = "22.11";

const SHIM: [&str; 2] = ["shim/shim.c", "shim/shim.h"];

/// Functions bound directly; whatever is a `static inline` in DPDK's headers goes through the shim.
const FUNCTIONS: &[&str] = &[
    "sluice_.*",
    "rte_eal_(init|cleanup|get_runtime_dir)",
    "rte_thread_(register|unregister)",
    "rte_(strerror|version|get_tsc_hz)",
    "rte_pktmbuf_pool_create",
    "rte_mempool_avail_count",
    "rte_dev_(probe|remove)",
    "rte_eth_dev_(info_get|configure|adjust_nb_rx_tx_desc|start|stop|close|set_mtu|get_mtu|socket_id)",
    "rte_eth_(rx|tx)_queue_setup",
    "rte_eth_promiscuous_enable",
    "rte_eth_macaddr_get",
    "rte_eth_stats_get",
];

const TYPES: &[&str] = &["sluice_.*", "rte_eth_(dev_info|conf|stats)", "rte_ether_addr"];

const CONSTANTS: &[&str] = &["sluice_.*", "RTE_PKTMBUF_HEADROOM", "SOCKET_ID_ANY", "RTE_LOG_(ERR|DEBUG)"];

/// Only ever handled by pointer; their layout is DPDK's business and differs between releases.
const OPAQUE: &[&str] = &["rte_mempool", "rte_device", "rte_mbuf"];

fn main() -> ExitCode {
    let Err(error) = build() else { return ExitCode::SUCCESS };
    for line in error.to_string().lines().filter(|line| !line.is_empty()) {
        println!("cargo::error={line}");
    }
    ExitCode::FAILURE
}

fn build() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    for file in SHIM {
        println!("cargo::rerun-if-changed={file}");
    }
    let flags = find_dpdk()?;
    compile_shim(&flags);
    generate_bindings(&flags, Path::new(&env::var("OUT_DIR")?))
}

/// What the C compilers need to read DPDK's headers.
struct CompilerFlags(Vec<String>);

fn find_dpdk() -> Result<CompilerFlags, Box<dyn Error>> {
    pkg_config::Config::new().atleast_version(MINIMUM_DPDK).probe("libdpdk").map_err(|error| {
        format!(
            "libdpdk {MINIMUM_DPDK} or newer was not found. On Debian or Ubuntu: `apt-get install libdpdk-dev \
             pkg-config`; with an installation of your own, set PKG_CONFIG_PATH to the folder of libdpdk.pc.\n\
             {error}"
        )
    })?;
    // `probe` drops `-include` and `-march`, which DPDK's headers cannot do without.
    let pkg_config = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let output = Command::new(pkg_config).args(["--cflags", "libdpdk"]).output()?;
    if !output.status.success() {
        return Err(
            format!("pkg-config --cflags libdpdk: {}", String::from_utf8_lossy(&output.stderr)).into()
        );
    }
    Ok(CompilerFlags(String::from_utf8(output.stdout)?.split_whitespace().map(str::to_owned).collect()))
}

/// The shim is optimised in every profile: it holds the packet path's inlines. There is no link-time
/// optimisation across the languages: each call serves a whole burst, so the call itself costs next to nothing.
fn compile_shim(flags: &CompilerFlags) {
    let mut build = cc::Build::new();
    build.file("shim/shim.c").opt_level(3).warnings(true).extra_warnings(false);
    // rte_devargs_reset: there since 19.11, unchanged, but only declared stable later.
    build.define("ALLOW_EXPERIMENTAL_API", None);
    for flag in &flags.0 {
        build.flag(flag);
    }
    build.compile("sluice_dpdk_shim");
}

fn generate_bindings(flags: &CompilerFlags, out_dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut builder = bindgen::Builder::default()
        .header("shim/shim.h")
        .clang_args(&flags.0)
        .allowlist_recursively(true)
        .layout_tests(false)
        .generate_comments(false)
        .derive_debug(false)
        .prepend_enum_name(false)
        .use_core();
    for function in FUNCTIONS {
        builder = builder.allowlist_function(function);
    }
    for name in TYPES {
        builder = builder.allowlist_type(name);
    }
    for constant in CONSTANTS {
        builder = builder.allowlist_var(constant);
    }
    for name in OPAQUE {
        builder = builder.opaque_type(name);
    }
    let bindings = builder.generate().map_err(|error| {
        format!(
            "cannot read DPDK's headers (bindgen needs libclang: `apt-get install libclang-14-dev`): {error}"
        )
    })?;
    let file: PathBuf = out_dir.join("bindings.rs");
    fs::write(&file, bindings.to_string()).map_err(|error| format!("{}: {error}", file.display()).into())
}
