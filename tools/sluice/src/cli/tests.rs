//! The tree of commands, walked.

use super::*;

/// Every command with its path, outermost first.
fn walk(command: &Command, path: &str, visit: &mut impl FnMut(&str, &Command)) {
    visit(path, command);
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        walk(inner, &format!("{path} {}", inner.get_name()), visit);
    }
}

#[test]
fn the_definitions_hold_together() {
    command().debug_assert();
}

#[test]
fn every_command_and_option_is_described() {
    let mut command = command();
    command.build();
    walk(&command, "sluice", &mut |path, command| {
        assert!(command.get_about().is_some(), "{path} has no description");
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 8, "{path}: {} has no description", argument.get_id());
        }
    });
}

#[test]
fn every_leaf_has_an_example_that_parses() {
    let mut command = command();
    command.build();
    let mut examples = Vec::new();
    walk(&command, "sluice", &mut |path, command| {
        if command.has_subcommands() {
            return;
        }
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines: Vec<&str> = help.lines().skip(1).map(str::trim).collect();
        assert!(!lines.is_empty(), "{path} has no example");
        examples.extend(lines.iter().map(|line| (path.to_owned(), (*line).to_owned())));
    });
    for (path, example) in examples {
        // What the shell would make of it, as far as these examples go: other programs, pipes and redirections go.
        let start = example.rfind("sluice ").unwrap();
        let words = example[start..].trim_end_matches(')').split([' ']).scan(String::new(), shell_word);
        let words: Vec<String> =
            words.flatten().take_while(|word| !["|", ">", "<"].contains(&word.as_str())).collect();
        let parsed = super::command().try_get_matches_from(&words);
        assert!(parsed.is_ok(), "{path}: {example}: {}", parsed.unwrap_err());
    }
}

/// Joins the pieces between single quotes.
fn shell_word(open: &mut String, piece: &str) -> Option<Option<String>> {
    let quotes = piece.matches('\'').count();
    let inside = !open.is_empty();
    if inside {
        open.push(' ');
    }
    open.push_str(piece);
    Some(if (quotes % 2 == 1) == inside { Some(std::mem::take(open).replace('\'', "")) } else { None })
}

#[test]
fn the_design_s_examples_parse() {
    for line in [
        "sluice bridge create br0 --dpid 1",
        "sluice port create vm1 --bridge br0 --of-port 1 --vhost-user /run/vm1.sock --server --queues 2",
        "sluice port create up0 --dpdk net_af_packet0,iface=eth1",
        "sluice port create up0 --bridge br0 --of-port 3 --dpdk net_af_packet0,iface=eth1",
        "sluice port create vx0 --bridge br0 --vxlan 100 --vtep vtep0 --remote 192.168.0.2",
        "sluice vtep create vtep0 --uplink up0 --address 192.168.0.1/24 --gateway 192.168.0.254",
        "sluice network create red --vni 100 --vtep vtep0 --remote 192.168.0.2",
        "sluice nic create red-a --network red --mac 52:54:00:00:00:01 --vhost-user /run/red-a.sock",
        "sluice flow add br0 priority=10,ip,nw_dst=10.0.0.0/8,actions=output:2",
        "sluice flow list -o json --rundir /tmp/x --timeout 5 -v",
    ] {
        let parsed = command().try_get_matches_from(line.split(' '));
        assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
    }
}

#[test]
fn errors_are_json_if_that_was_asked_for() {
    let asked = |line: &str| asked_format(line.split(' ').map(str::to_owned));
    for line in ["sluice -o json x", "sluice x --output=json", "sluice x -ojson", "sluice x -o json"] {
        assert_eq!(asked(line), Format::Json, "{line}");
    }
    for line in ["sluice x", "sluice -o yaml x", "sluice x json -o"] {
        assert_eq!(asked(line), Format::Table, "{line}");
    }
}
