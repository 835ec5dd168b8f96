//! Rows of guests tell which guest they are of.

use std::borrow::Cow;

use super::*;
use crate::Names;

struct OfGuest(&'static str);

impl Names for OfGuest {
    fn dev(&self, number: u32) -> Option<Cow<'_, str>> {
        SomeNames.dev(number)
    }

    fn file(&self, _: u32, _: u64) -> Option<Cow<'_, str>> {
        None
    }

    fn cgroup(&self, _: u64) -> Option<Cow<'_, str>> {
        None
    }

    fn guest(&self) -> Option<&str> {
        Some(self.0)
    }
}

/// A row of each of two guests.
fn written(format: &str) -> String {
    let plan = plan(vec![trace("block", &["pid", "dev"])]);
    let out = Shared::default();
    let mut sink: Box<dyn Sink> = match format {
        "text" => Box::new(Text::new(&plan, TimeZone::UTC, out.clone()).of_guests(true)),
        "json" => Box::new(Json::new(&plan, out.clone()).expect("a sink")),
        _ => Box::new(Csv::new(&plan, true, out.clone()).expect("a sink")),
    };
    for guest in ["vm1", "vm2"] {
        let mut engine = Engine::new(&plan, CLOCK, Box::new(OfGuest(guest)));
        engine.push(&request().0, &mut *sink).expect("a row");
    }
    sink.flush().expect("written");
    out.text()
}

#[test]
fn each_format_has_a_place_for_it() {
    let text =
        "guest             pid  dev\nvm1              1234  vda\nvm2              1234  vda\n";
    assert_eq!(written("text"), text);
    let json = written("json");
    let first = r#"{"type":"row","query":0,"guest":"vm1","data":{"pid":1234,"dev":"vda"}}"#;
    assert_eq!(json.lines().next(), Some(first));
    assert_eq!(
        written("csv"),
        "guest,pid,dev\r\nvm1,1234,vda\r\nvm2,1234,vda\r\n"
    );
}
