//! Recordings: what they look like, and how they are read.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use openai_codex_recording::{DEFAULT_LIMIT, Direction, Encoder, Recording};

#[test]
fn what_is_written_is_read() {
    let mut encoder = Encoder::new(DEFAULT_LIMIT);
    let mut text = encoder.header("test 1.0", "0.163.0");
    let initialize = r#"{"id":1,"result":{"userAgent":"me/0.163.0 (os)","b":1.0,"a":[1e3]}}"#;
    text += &encoder.message(
        Direction::ToServer,
        Duration::from_millis(1500),
        b"{\"method\":\"m\"}\n",
    );
    text += &encoder.message(
        Direction::ToClient,
        Duration::from_secs(2),
        initialize.as_bytes(),
    );
    text += &encoder.message(Direction::ToClient, Duration::from_secs(3), b"no json");
    text += &encoder.message(Direction::ToClient, Duration::from_secs(3), b"  \n");
    text += &encoder.end(Direction::ToClient, Duration::from_secs(4));
    assert_eq!(encoder.end(Direction::ToServer, Duration::from_secs(5)), "");

    let recording = Recording::parse(&text).unwrap();
    assert_eq!(recording.by.as_deref(), Some("test 1.0"));
    assert_eq!(recording.runtime_version().as_deref(), Some("0.163.0"));
    let [first, second, third] = &recording.entries[..] else {
        panic!("{text}")
    };
    assert_eq!((first.line, first.at), (2, Duration::from_millis(1500)));
    assert_eq!(second.json(), Some(initialize), "byte for byte");
    assert_eq!(third.json(), None);
    assert_eq!(
        recording.ended,
        Some((Direction::ToClient, Duration::from_secs(4)))
    );
    assert_eq!(recording.cut, None);
}

#[test]
fn a_recording_at_its_limit_says_that_it_was_cut() {
    let mut encoder = Encoder::new(200);
    let mut text = String::new();
    for _ in 0..100 {
        text += &encoder.message(Direction::ToClient, Duration::ZERO, b"{\"method\":\"m\"}");
    }
    assert!(encoder.is_over());
    let recording = Recording::parse(&text).unwrap();
    assert_eq!(recording.entries.len(), 4);
    assert_eq!(
        recording.cut.as_deref(),
        Some("the recording reached its limit of 200 bytes")
    );
}

#[test]
fn a_fault_is_told_with_its_line() {
    for (text, line) in [
        ("{}", 1),
        ("{\"recording\":1}\n{\"dir\":\"x\",\"msg\":{}}", 2),
        ("{\"recording\":2}", 1),
        ("\n\n{\"dir\":\"c2s\",\"t\":-1,\"msg\":{}}", 3),
        ("{\"dir\":\"c2s\"}", 1),
    ] {
        assert_eq!(Recording::parse(text).unwrap_err().line(), line, "{text}");
    }
}

#[test]
fn a_recording_that_broke_off_is_read_up_to_there() {
    let whole = "{\"dir\":\"c2s\",\"t\":0.1,\"msg\":{\"method\":\"a\"}}\n";
    for torn in ["{\"dir\":\"s2c\",\"t\":0.2,\"ms", "{\"di", "{"] {
        let recording = Recording::parse(&format!("{whole}{torn}")).unwrap();
        assert_eq!(recording.entries.len(), 1, "{torn}");
        assert_eq!(recording.cut.as_deref(), Some("line 2 breaks off"));
        // Nothing was recorded, or this is something else altogether.
        assert!(Recording::parse(torn).is_err());
        // In the middle it is damage.
        assert!(Recording::parse(&format!("{whole}{torn}\n{whole}")).is_err());
    }
    assert!(Recording::parse(&format!("{whole}nonsense")).is_err());
    let marked = format!("\u{feff}{whole}");
    assert_eq!(Recording::parse(&marked).unwrap().entries.len(), 1);
}

#[test]
fn what_is_wrong_with_a_line_is_told_with_one_place() {
    let text = "\n{\"dir\":\"c2s\",\"t\":0.1,\"msg\":nonsense}";
    let error = Recording::parse(text).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 2 is none of a recording: expected ident at column 29"
    );
}
