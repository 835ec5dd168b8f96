//! The three formats.

mod guests;
mod heat;

use iotq_lang::ir::Statement;
use iotq_lang::value::Const;
use iotq_probes::catalogue::Type;
use jiff::tz::TimeZone;

use super::*;
use crate::testing::*;
use crate::{Clock, Engine};

const CLOCK: Clock = Clock {
    mono_to_wall_ns: 1_732_284_000_000_000_000,
    started_ns: 1_732_284_000_000_000_000,
};

fn run(
    statements: Vec<Statement>,
    records: &[Bytes],
    sink: impl FnOnce(&iotq_lang::plan::Plan) -> Box<dyn Sink>,
) {
    run_plan(plan(statements), records, sink);
}

fn run_plan(
    plan: iotq_lang::plan::Plan,
    records: &[Bytes],
    sink: impl FnOnce(&iotq_lang::plan::Plan) -> Box<dyn Sink>,
) {
    let mut sink = sink(&plan);
    let mut engine = Engine::new(&plan, CLOCK, Box::new(SomeNames));
    for record in records {
        engine
            .push(&record.0, &mut *sink)
            .expect("a row that is written");
    }
    assert_eq!(engine.counts().malformed, 0);
    let end = std::time::Duration::from_millis(2500);
    engine.finish(end, &mut *sink).expect("groups are written");
    let summary = Summary {
        seen: 20000,
        shipped: 2,
        lost: 1,
        unmatched: 0,
        seconds: 4.2,
        grouped: 0,
        ungrouped: 0,
        crossed: None,
    };
    sink.finish(&summary).expect("a summary that is written");
}

/// An output that outlives its sink.
#[derive(Clone, Default)]
struct Shared(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).expect("UTF-8")
    }
}

fn json(statements: Vec<Statement>, records: &[Bytes]) -> String {
    let out = Shared::default();
    run(statements, records, |plan| {
        Box::new(Json::new(plan, out.clone()).expect("a sink"))
    });
    out.text()
}

fn text(statements: Vec<Statement>, records: &[Bytes]) -> String {
    let out = Shared::default();
    run(statements, records, |plan| {
        Box::new(Text::new(plan, TimeZone::UTC, out.clone()))
    });
    out.text()
}

fn csv(statements: Vec<Statement>, records: &[Bytes]) -> String {
    let out = Shared::default();
    run(statements, records, |plan| {
        Box::new(Csv::new(plan, false, out.clone()).expect("a sink"))
    });
    out.text()
}

const COLUMNS: [&str; 8] = ["time", "pid", "comm", "dev", "op", "size", "lat", "sync"];

fn request() -> Bytes {
    Bytes::block(1)
        .number("time", 1_234_567)
        .number("pid", 1234)
        .text("comm", b"postgres")
        .number("dev", 253 << 20)
        .number("op", 1)
        .number("size", 4096)
        .number("lat", 81_234)
        .flag("sync")
}

/// Whatever can be null is, and numbers have no name.
fn nameless() -> Bytes {
    Bytes::block(1)
        .number("pid", u32::MAX.into())
        .number("dev", 8 << 20 | 1)
        .number("op", 99)
        .number("lat", u64::MAX)
}

#[test]
fn json_is_for_programs() {
    let expected = r#"{"type":"row","query":0,"data":{"time":1732284000001234567,"pid":1234,"comm":"postgres","dev":"vda","op":"read","size":4096,"lat":81234,"sync":true}}
{"type":"row","query":0,"data":{"time":1732284000000000000,"pid":null,"comm":null,"dev":"8:1","op":99,"size":0,"lat":null,"sync":false}}
{"type":"summary","seen":20000,"shipped":2,"lost":1,"unmatched":0,"seconds":4.2}
"#;
    assert_eq!(
        json(vec![trace("block", &COLUMNS)], &[request(), nameless()]),
        expected
    );
}

#[test]
fn json_is_valid_whatever_the_text() {
    let column = constant("a \"b\"\n", Const::Float(f64::NAN), Type::Float);
    let statement = with_columns(trace("block", &["comm"]), vec![column]);
    let written = json(
        vec![statement],
        &[Bytes::block(1).text("comm", b"\x1b[2J\"\\\xff")],
    );
    let line = written.lines().next().expect("a row");
    let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(row["data"]["comm"], "\u{1b}[2J\"\\\u{fffd}");
    assert!(row["data"]["a \"b\"\n"].is_null());
}

#[test]
fn files_and_control_groups_are_named() {
    let call = |inode, cgroup| {
        let call = Bytes::syscall(1).number("dev", 253 << 20);
        call.number("inode", inode).number("cgroup", cgroup)
    };
    let written = json(
        vec![trace("syscall", &["file", "cgroup"])],
        &[call(42, 1), call(43, 7)],
    );
    let lines: Vec<&str> = written.lines().collect();
    assert!(
        lines[0].ends_with(r#""data":{"file":"/var/lib/db/wal","cgroup":"/"}}"#),
        "{written}"
    );
    assert!(
        lines[1].ends_with(r#""data":{"file":"vda:43","cgroup":"7"}}"#),
        "{written}"
    );
}

#[test]
fn text_is_for_people() {
    let expected = "\
time                 pid  comm             dev       op        size     lat  sync
14:00:00.001234     1234  postgres         vda       read        4K  81.2us  true
14:00:00.000000        -  -                8:1       99          0B       -  false
";
    assert_eq!(
        text(vec![trace("block", &COLUMNS)], &[request(), nameless()]),
        expected
    );
}

#[test]
fn text_cannot_move_the_cursor() {
    let hostile = Bytes::block(1).text("comm", b"\x1b[2J\r\xe2\x80\xae\xff");
    let written = text(vec![trace("block", &["comm"])], &[hostile]);
    assert_eq!(written, "comm\n\\u{1b}[2J\\r\\u{202e}\u{fffd}\n");
}

#[test]
fn columns_grow_with_their_values() {
    let file = |inode| {
        Bytes::syscall(1)
            .number("dev", 253 << 20)
            .number("inode", inode)
    };
    let written = text(
        vec![trace("syscall", &["offset", "fd"])],
        &[
            file(1).number("offset", 0),
            file(1).number("fd", 4_000_000_000),
        ],
    );
    assert_eq!(
        written,
        "offset        fd\n    0B         0\n    0B  4000000000\n"
    );
}

#[test]
fn text_of_several_streams_names_the_layer() {
    let statements = vec![trace("block", &["pid"]), trace("syscall", &["fd"])];
    let records = [Bytes::block(0b1), Bytes::block(0b1), Bytes::syscall(0b10)];
    let expected = "\
layer        pid
block          0
block          0
layer          fd
syscall         0
";
    assert_eq!(text(statements, &records), expected);
}

#[test]
fn csv_is_a_table() {
    let records = [
        request(),
        nameless(),
        request().text("comm", b"a,\"b\"\0\0\0"),
    ];
    let expected = "time,pid,comm,dev,op,size,lat,sync\r\n\
        1732284000001234567,1234,postgres,vda,read,4096,81234,true\r\n\
        1732284000000000000,,,8:1,99,0,,false\r\n\
        1732284000001234567,1234,\"a,\"\"b\"\"\",vda,read,4096,81234,true\r\n";
    assert_eq!(csv(vec![trace("block", &COLUMNS)], &records), expected);
}

#[test]
fn csv_has_one_stream() {
    let plan = plan(vec![trace("block", &["pid"]), trace("block", &["pid"])]);
    assert!(matches!(
        Csv::new(&plan, false, io::sink()),
        Err(CsvError::Streams(2))
    ));
}

#[test]
fn errors_of_the_output_are_returned() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let plan = plan(vec![trace("block", &["pid"])]);
    let sinks: [Box<dyn Sink>; 2] = [
        Box::new(Json::new(&plan, Closed).expect("a sink")),
        Box::new(Text::new(&plan, TimeZone::UTC, Closed)),
    ];
    for mut sink in sinks {
        let mut engine = Engine::new(&plan, CLOCK, Box::new(SomeNames));
        let error = engine
            .push(&Bytes::block(1).0, &mut *sink)
            .expect_err("the pipe is closed");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
    let mut table = Csv::new(&plan, false, Closed).expect("a header that waits in the buffer");
    assert!(table.flush().is_err());
}

/// What a query makes of records, in text, JSON or CSV.
fn shown(form: &str, text: &str, records: &[Bytes]) -> String {
    let out = Shared::default();
    run_plan(query(text), records, |plan| match form {
        "text" => Box::new(Text::new(plan, TimeZone::UTC, out.clone())),
        "json" => Box::new(Json::new(plan, out.clone()).expect("a sink")),
        _ => Box::new(Csv::new(plan, false, out.clone()).expect("a sink")),
    });
    out.text()
}

fn latencies() -> Vec<Bytes> {
    let one = |lat: u64| request().number("lat", lat).number("op", 1 + lat % 2);
    let mut all: Vec<Bytes> = (0..1000).map(|n| one(60_000 + n * n / 20)).collect();
    all.push(one(3_000_000_000));
    all
}

const GROUPED: &str =
    "on block.complete emit count(), sum(size), max(lat) - min(lat) as spread by dev, op";

#[test]
fn groups_are_a_table() {
    let expected = "\
dev       op       count()  sum(size)  spread
vda       read         651      2.54M   3.00s
vda       write        350      1.37M  49.5us
";
    assert_eq!(shown("text", GROUPED, &latencies()), expected);
}

#[test]
fn groups_are_objects() {
    let query = "on block.complete emit count(), hist(lat) as lat, avg(lat) by dev every 1s";
    let records = [
        request().number("lat", 65_536),
        request().number("lat", 65_537),
        request().number("lat", 70_000),
    ];
    let expected = r#"{"type":"group","query":0,"at":1732284002500000000,"by":{"dev":"vda"},"data":{"count()":3,"lat":{"hist":[[65536,69632,2],[69632,73728,1]]},"avg(lat)":67024}}
{"type":"summary","seen":20000,"shipped":2,"lost":1,"unmatched":0,"seconds":4.2}
"#;
    assert_eq!(shown("json", query, &records), expected);
}

#[test]
fn groups_of_several_points_are_told_apart() {
    let query = "on block.complete, syscall.exit emit count()";
    let written = shown("json", query, &[Bytes::syscall(0b10)]);
    let lines: Vec<&str> = written.lines().collect();
    let expected = |point, count| {
        format!(
            r#"{{"type":"group","query":0,"point":"{point}","at":1732284002500000000,"by":{{}},"data":{{"count()":{count}}}}}"#
        )
    };
    assert_eq!(lines[0], expected("block.complete", 0));
    assert_eq!(lines[1], expected("syscall.exit", 1));
}

#[test]
fn groups_are_records_of_csv() {
    let query = "on block.complete emit count(), lhist(size, 0B, 8K, 4K) as sizes, avg(lat) by comm every 1s";
    let records = [request(), request().number("size", 9000), nameless()];
    let expected = "at,comm,count(),sizes,avg(lat)\r\n\
        1732284002500000000,postgres,2,\"[[4096,8192,1],[8192,null,1]]\",81234\r\n\
        1732284002500000000,,1,\"[[0,4096,1]]\",\r\n";
    assert_eq!(shown("csv", query, &records), expected);
}

#[test]
fn histograms_are_drawn() {
    let query = "on block.complete emit count(), hist(lat) by dev every 1s";
    let expected = "\
at=14:00:02.500000  dev=vda  count()=1001
hist(lat)
  [59.4us, 61.4us)  170  ████████████████████████████████████████
  [61.4us, 63.5us)   95  ██████████████████████▎
  [63.5us, 65.5us)   68  ████████████████
  [65.5us, 69.6us)  106  ████████████████████████▉
  [69.6us, 73.7us)   85  ████████████████████                      p50 71.7us
  [73.7us, 77.8us)   74  █████████████████▍
  [77.8us, 81.9us)   65  ███████████████▎
  [81.9us, 86.0us)   59  █████████████▉
  [86.0us, 90.1us)   55  ████████████▉
  [90.1us, 94.2us)   51  ████████████
  [94.2us, 98.3us)   48  ███████████▎
   [98.3us, 102us)   45  ██████████▌                               p90 100us
    [102us, 106us)   44  ██████████▎
    [106us, 111us)   35  ████████▏                                 p99 109us  p999 109us
                 …
    [2.95s, 3.09s)    1  ▏

";
    assert_eq!(shown("text", query, &latencies()), expected);
}

#[test]
fn small_histograms_keep_their_buckets() {
    let query = "on block.complete emit hist(queue) as depth, lhist(lat, 10us, 30us, 10us)";
    let one = |queue: u64, lat: u64| request().number("queue", queue).number("lat", lat);
    let records = [
        one(0, 5_000),
        one(1, 10_000),
        one(1, 19_999),
        one(4, 30_000),
    ];
    let expected = "\
depth
  [0]  1  ████████████████████
  [1]  2  ████████████████████████████████████████  p50 1
  [2]  0
  [3]  0
  [4]  1  ████████████████████
lhist(lat, 10us, 30us, 10us)
       (…, 10.0us)  1  ████████████████████
  [10.0us, 20.0us)  2  ████████████████████████████████████████  p50 15.0us
  [20.0us, 30.0us)  0
       [30.0us, …)  1  ████████████████████

";
    assert_eq!(shown("text", query, &records), expected);
}
