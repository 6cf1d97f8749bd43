//! Near misses: "did you mean …?".

/// Which of `names` is most like `text`, if any is like enough to be what was meant.
pub(crate) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(text, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let names = ["bridges", "ports", "vteps", "networks", "nics", "flows"];
        assert_eq!(nearest("brigdes", names), Some("bridges"));
        assert_eq!(nearest("network", names), Some("networks"));
        assert_eq!(nearest("zebra", names), None);
        assert_eq!(nearest("x", []), None);
    }
}
