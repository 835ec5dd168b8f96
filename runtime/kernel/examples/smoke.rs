use iotq_lang::{ir::*, plan::*};
use iotq_probes::catalogue::*;
fn main() {
    let layer = layer(&std::env::args().nth(1).unwrap()).unwrap();
    let point = layer.end_point();
    let fields: Vec<_> = if std::env::args().len() > 3 {
        ["pid", "dev", "sector", "size", "lat"]
            .iter()
            .map(|f| layer.field(f).unwrap())
            .collect()
    } else {
        layer.fields.iter().collect()
    };
    let points: Vec<_> = if layer.name == "block" {
        ["queue", "issue", "complete"]
            .iter()
            .map(|p| layer.point(p).unwrap())
            .collect()
    } else {
        layer.points.iter().collect()
    };
    let s = StreamPlan {
        bit: 0,
        layer,
        point,
        filter: None,
        start: vec![],
        end: vec![],
        residual: None,
        columns: vec![],
    };
    let plan = Plan {
        statements: vec![StatementPlan {
            streams: vec![s],
            bounds: Bounds::default(),
        }],
        names: vec![],
        templates: vec![TemplatePlan {
            layer,
            points,
            fields,
        }],
    };
    let t = std::time::Instant::now();
    let mut r = match iotq_kernel::install(&plan, &Default::default(), &Default::default()) {
        Ok(r) => r,
        Err(e) => {
            println!("{e:?}");
            return;
        }
    };
    println!("attached {:?} {:?}", t.elapsed(), r.missing);
    let end = std::time::Instant::now()
        + std::time::Duration::from_secs(std::env::args().nth(2).unwrap().parse().unwrap());
    let mut n = 0u64;
    while std::time::Instant::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(20));
        r.drain(|b| {
            n += 1;
            if n % 5000 <= 8 && n > 1 {
                let s: Vec<String> = layer
                    .fields
                    .iter()
                    .map(|f| {
                        let v = match f.slot.unwrap() {
                            Slot::Uint { offset, width, .. } => {
                                let mut x = [0u8; 8];
                                x[..width].copy_from_slice(&b[offset..offset + width]);
                                format!("{}", u64::from_le_bytes(x) as i64)
                            }
                            Slot::Text { offset, len } => {
                                String::from_utf8_lossy(&b[offset..offset + len])
                                    .trim_end_matches('\0')
                                    .to_string()
                            }
                            Slot::Int { offset } => format!(
                                "{}",
                                i64::from_le_bytes(b[offset..offset + 8].try_into().unwrap())
                            ),
                            Slot::Bit { offset, mask, .. } => format!(
                                "{}",
                                (u16::from_le_bytes(b[offset..offset + 2].try_into().unwrap())
                                    as u64
                                    & mask
                                    != 0) as u8
                            ),
                            _ => "".into(),
                        };
                        format!("{}={v}", f.name)
                    })
                    .collect();
                println!("{}", s.join(" "));
            }
            true
        });
    }
    r.stop();
    r.drain(|_| {
        n += 1;
        true
    });
    println!("n {n} {:?}", r.counts());
}
