//! A caller's deadline.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// When to answer at the latest. A caller's own timeout (gRPC's `grpc-timeout` header) is shortened a little, so
/// that the answer that it was too late is not itself too late.
pub(super) fn of(metadata: &MetadataMap, default: Duration) -> Instant {
    let asked = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(parse);
    Instant::now() + asked.map_or(default, |timeout| timeout - timeout / 10)
}

/// At most eight digits and a unit (gRPC over HTTP/2, "Timeout").
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    let amount: u64 = digits.parse().ok().filter(|_| is_number)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(parse("2S"), Some(Duration::from_secs(2)));
        assert_eq!(parse("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(parse("1500m"), Some(Duration::from_millis(1500)));
        for text in ["", "S", "1", "1s", "+1S", "123456789S", "é"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
