//! Generates the types and services from the `.proto` files, without protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["objects.proto", "datapath.proto", "control.proto"].map(|name| format!("sluice/v1/{name}"));
    for file in &files {
        println!("cargo::rerun-if-changed=proto/{file}");
    }
    let descriptors = protox::compile(&files, ["proto"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
