use super::*;
use crate::wait::wait_until;

#[test]
fn two_namespaces_ping_each_other_over_a_veth() -> Result<()> {
    Stage::run(|stage| {
        let (a, b) = (Namespace::new(stage, "a")?, Namespace::new(stage, "b")?);
        join(End { namespace: &a, interface: "eth0" }, End { namespace: &b, interface: "eth0" }, 1500)?;
        a.ip("addr add 10.0.0.1/24 dev eth0")?;
        b.ip("addr add 10.0.0.2/24 dev eth0")?;
        Launch::line("ping -c 1 -W 5 10.0.0.2").within(&a).run()?;
        let sender = a.enter(|| std::net::UdpSocket::bind("10.0.0.1:0").context(|| "bind".to_owned()))?;
        assert_eq!(sender.local_addr().unwrap().ip().to_string(), "10.0.0.1");
        Ok(())
    })
}

#[test]
fn a_namespace_is_gone_when_dropped() -> Result<()> {
    Stage::run(|stage| {
        let namespace = Namespace::new(stage, "gone")?;
        let name = format!("sluice-test-{}", std::process::id());
        let published = namespace.publish(&name)?;
        Launch::line(&format!("ip netns exec {name} ip link show lo")).run()?;
        drop(published);
        let path = namespace.path();
        drop(namespace);
        wait_until("the namespace's file is gone", Duration::from_secs(5), || !path.exists())?;
        assert!(!Launch::line("ip netns list").run()?.contains(&name));
        Ok(())
    })
}
