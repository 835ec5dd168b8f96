//! Heat maps as text.

use std::time::Duration;

use super::*;

/// What text a query makes of records, a second's worth of each list, with the axis below if it is watched.
fn map(text: &str, seconds: &[Vec<Bytes>], watched: Option<usize>, ascii: bool) -> String {
    let out = Shared::default();
    let plan = query(text);
    let sink = Text::new(&plan, TimeZone::UTC, out.clone());
    let mut sink = sink.ascii(ascii).watched(watched);
    let mut engine = Engine::new(&plan, CLOCK, Box::new(SomeNames));
    for (second, records) in (1..).zip(seconds) {
        for record in records {
            engine.push(&record.0, &mut sink).expect("a record");
        }
        let now = Duration::from_secs(second);
        engine.advance(now, &mut sink).expect("a report");
        sink.flush().expect("an output");
    }
    out.text()
}

/// So many requests of such a latency.
fn requests(all: &[(u64, usize)]) -> Vec<Bytes> {
    let each = all.iter().flat_map(|&(lat, count)| {
        let request = request().number("lat", lat).number("size", lat);
        std::iter::repeat_n(request, count)
    });
    each.collect()
}

const QUERY: &str = "on block.complete emit count(), heat(lat) by dev every 1s";

fn usual() -> Vec<Vec<Bytes>> {
    vec![
        requests(&[(80_000, 100), (90_000, 40), (120_000, 9), (1_000_000, 1)]),
        Vec::new(),
        requests(&[(80_000, 30), (300_000, 300)]),
    ]
}

#[test]
fn lines_stand_below_their_axis() {
    let expected = "\
at               dev        count()  heat(lat)
                                         |50us   |100us  |200us     |500us  |1ms    |2ms
14:00:01.000000  vda            150           █▓   ▒                        ░
14:00:03.000000  vda            330           ▒               █
";
    assert_eq!(map(QUERY, &usual(), None, false), expected);
}

#[test]
fn letters_do_where_there_is_nothing_else() {
    let shown = map(QUERY, &usual(), None, true);
    assert!(shown.is_ascii(), "{shown}");
    let expected = "\
at               dev        count()  heat(lat)
                                         |50us   |100us  |200us     |500us  |1ms    |2ms
14:00:01.000000  vda            150           @#   +                        :
14:00:03.000000  vda            330           +               @
";
    assert_eq!(shown, expected);
}

#[test]
fn a_new_axis_stands_above_the_lines_that_need_it() {
    let seconds = [requests(&[(80_000, 1)]), requests(&[(80_000_000, 1)])];
    let expected = "\
at               dev        count()  heat(lat)
                                      |10us   |20us      |50us   |100us  |200us     |500us  |1ms
14:00:01.000000  vda              1                           @
                                     |10us         |100us       |1ms         |10ms        |100ms
14:00:02.000000  vda              1                                                      @
";
    assert_eq!(map(QUERY, &seconds, None, true), expected);
}

#[test]
fn on_a_terminal_the_axis_stays_below() {
    let seconds = [
        requests(&[(80_000, 1)]),
        requests(&[(81_000, 1)]),
        requests(&[(80_000_000, 1)]),
    ];
    let expected = "\
at               dev        count()  heat(lat)
14:00:01.000000  vda              1              @
                                     |10us         |100us       |1ms
\r\u{1b}[1A\u{1b}[J14:00:02.000000  vda              1              @
                                     |10us         |100us       |1ms
14:00:03.000000  vda              1                            @
                                     |10us  |100us       |10ms |100ms
";
    assert_eq!(map(QUERY, &seconds, Some(80), true), expected);
}

#[test]
fn sizes_have_an_axis_of_their_own() {
    let query = "on block.complete emit heat(lat), heat(size) as sizes every 1s";
    let seconds = [requests(&[(4096, 10), (65_536, 1), (1 << 20, 100)])];
    let expected = "\
at               heat(lat)                                sizes
14:00:01.000000  +       :       @                        +       :       @
                   |10us  |100us                                |32K      |1M
";
    assert_eq!(map(query, &seconds, Some(100), true), expected);
}

#[test]
fn beside_a_histogram_it_is_drawn_as_one() {
    let query = "on block.complete emit hist(lat), heat(size) as sizes";
    let shown = shown("text", query, &requests(&[(4096, 3)]));
    let bar = "████████████████████████████████████████";
    let expected = format!(
        "hist(lat)\n  [4.10us, 4.35us)  3  {bar}  p50 4.22us\nsizes\n  [4K, 4.25K)  3  {bar}  p50 4.12K\n\n"
    );
    assert_eq!(shown, expected);
}

#[test]
fn for_programs_it_is_a_histogram() {
    let query = "on block.complete emit heat(lat)";
    let json = shown("json", query, &requests(&[(65_536, 2)]));
    let expected = r#""data":{"heat(lat)":{"hist":[[65536,69632,2]]}}"#;
    assert!(json.contains(expected), "{json}");
    let csv = shown("csv", query, &requests(&[(65_536, 2)]));
    assert_eq!(csv, "heat(lat)\r\n\"[[65536,69632,2]]\"\r\n");
}
