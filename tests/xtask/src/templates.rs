//! Builds the template object and what is generated with it, or compares them with what is committed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use iotq_probes::catalogue::{self, EnumType, LAYERS};

use crate::lines;

const CLANG: &str = "clang-19";
const STRIP: &str = "llvm-strip-19";
const OBJCOPY: &str = "llvm-objcopy-19";

/// Makes the bytes of one file, given the folder of the probes.
type Maker = fn(&Path) -> Result<Vec<u8>>;

/// Builds everything; `check` compares instead of writing.
pub fn run(check: bool) -> Result<()> {
    let probes = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../probes")
        .canonicalize()
        .context("find probes/")?;
    let mut stale = Vec::new();
    // In this order: the object is built from the header.
    let made: [(&str, Maker); 4] = [
        ("bpf/catalogue.gen.h", |_| Ok(header().into_bytes())),
        ("src/abi.rs", bindings),
        ("objects/iotq.bpf.o", |probes| object(probes, "iotq")),
        ("objects/trial.bpf.o", |probes| object(probes, "trial")),
    ];
    for (path, make) in made {
        let committed = fs::read(probes.join(path)).unwrap_or_default();
        let fresh = make(&probes).with_context(|| format!("make probes/{path}"))?;
        if committed == fresh {
            continue;
        }
        if check {
            stale.push(path);
        } else {
            fs::write(probes.join(path), &fresh).with_context(|| format!("write probes/{path}"))?;
            println!("wrote probes/{path} ({} bytes)", fresh.len());
        }
    }
    if !stale.is_empty() {
        bail!(
            "not what their sources make: {}; run `cargo xtask templates` and commit",
            stale.join(", ")
        );
    }
    println!("templates: up to date");
    Ok(())
}

/// The numbers of layers, points and enums, for the C side.
fn header() -> String {
    let mut text = String::from(
        "/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */\n/* Made from the catalogue by `cargo xtask templates`. */\n\
         #ifndef IOTQ_CATALOGUE_GEN_H\n#define IOTQ_CATALOGUE_GEN_H\n\nenum iotq_layer {\n",
    );
    for layer in LAYERS {
        let _ = writeln!(
            text,
            "\tIOTQ_LAYER_{} = {},",
            layer.name.to_uppercase(),
            layer.id
        );
    }
    let _ = writeln!(
        text,
        "}};\n\n#define IOTQ_LAYERS {}",
        LAYERS.iter().map(|layer| layer.id).max().unwrap_or(0) + 1
    );
    for layer in LAYERS.iter().filter(|layer| layer.record.is_some()) {
        let name = layer.name;
        let _ = writeln!(text, "\nenum iotq_{name}_point {{");
        for point in layer.points {
            let _ = writeln!(
                text,
                "\tIOTQ_{}_{} = {},",
                name.to_uppercase(),
                point.name.to_uppercase(),
                point.id
            );
        }
        let most = layer.point_slots();
        let _ = writeln!(
            text,
            "}};\n\n#define IOTQ_{}_POINTS {most}",
            name.to_uppercase()
        );
    }
    for (name, list) in [
        ("block_op", &catalogue::BLOCK_OP),
        ("syscall_op", &catalogue::SYSCALL_OP),
        ("file_kind", &catalogue::FILE_KIND),
        ("cache_event", &catalogue::CACHE_EVENT),
        ("sched_state", &catalogue::SCHED_STATE),
        ("scsi_op", &catalogue::SCSI_OP),
        ("virtio_op", &catalogue::VIRTIO_OP),
        ("ring_format", &catalogue::RING_FORMAT),
    ] {
        write_enum(&mut text, name, list);
    }
    text.push_str("\n#endif\n");
    text
}

fn write_enum(text: &mut String, name: &str, list: &EnumType) {
    let _ = writeln!(text, "\nenum iotq_{name} {{");
    for (variant, value) in list.variants {
        let _ = writeln!(
            text,
            "\tIOTQ_{}_{} = {value},",
            name.to_uppercase(),
            variant.to_uppercase()
        );
    }
    text.push_str("};\n");
}

/// The Rust side of `abi.h`, with asserts of every size and offset.
fn bindings(probes: &Path) -> Result<Vec<u8>> {
    let bindings = bindgen::Builder::default()
        .header(probes.join("bpf/abi.h").display().to_string())
        .clang_args(["-target", "bpf"])
        .allowlist_type("iotq_.*")
        .parse_callbacks(Box::new(Derives))
        .allowlist_var("IOTQ_.*")
        .derive_default(true)
        .derive_eq(true)
        .default_macro_constant_type(bindgen::MacroTypeVariation::Unsigned)
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .use_core()
        .layout_tests(true)
        .raw_line("//! Generated from `bpf/abi.h` by `cargo xtask templates`.")
        .raw_line("#![expect(missing_docs, non_camel_case_types, reason = \"the names and comments are those of abi.h\")]")
        .disable_header_comment()
        .generate_comments(false)
        .formatter(bindgen::Formatter::Rustfmt)
        .generate()
        .context("generate bindings of abi.h")?;
    Ok(bindings.to_string().into_bytes())
}

/// Records and constants cross the boundary as bytes: `zerocopy` proves that this is sound.
#[derive(Debug)]
struct Derives;

impl bindgen::callbacks::ParseCallbacks for Derives {
    fn add_derives(&self, _: &bindgen::callbacks::DeriveInfo<'_>) -> Vec<String> {
        ["FromBytes", "IntoBytes", "Immutable", "KnownLayout"]
            .map(|name| format!("zerocopy::{name}"))
            .to_vec()
    }
}

/// Compiles and strips an object. Paths are mapped away, so that the bytes depend on the sources and on clang alone.
fn object(probes: &Path, name: &str) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let out = folder.path().join("made.o");
    compile(probes, name, &out)?;
    succeed(Command::new(STRIP).arg("-g").arg(&out))?;
    strip_lines(folder.path(), &out)?;
    fs::read(&out).context("read the object")
}

fn compile(probes: &Path, name: &str, out: &Path) -> Result<()> {
    let source = probes.join("bpf");
    succeed(
        Command::new(CLANG)
            .current_dir(&source)
            .args([
                "-target",
                "bpf",
                "-mcpu=v3",
                "-O2",
                "-g",
                "-D__TARGET_ARCH_x86",
                "-std=gnu11",
            ])
            .args([
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-unused-parameter",
                "-fno-jump-tables",
                "-fno-ident",
            ])
            .arg(format!("-ffile-prefix-map={}=.", source.display()))
            .arg("-fdebug-compilation-dir=.")
            .args(["-c", &format!("{name}.bpf.c"), "-o"])
            .arg(out),
    )
}

/// The offsets of what is left need no relocation: a program is loaded by itself.
fn strip_lines(folder: &Path, object: &Path) -> Result<()> {
    const SECTION: &str = ".BTF.ext";
    let (whole, rest) = (folder.join("whole"), folder.join("rest"));
    succeed(
        Command::new(OBJCOPY)
            .arg(format!("--dump-section={SECTION}={}", whole.display()))
            .arg(object),
    )?;
    let section = fs::read(&whole).context("read the section")?;
    let made = lines::without(&section).with_context(|| format!("understand {SECTION}"))?;
    fs::write(&rest, made).context("write the section")?;
    succeed(
        Command::new(OBJCOPY)
            .arg(format!("--update-section={SECTION}={}", rest.display()))
            .arg(format!("--remove-section=.rel{SECTION}"))
            .arg(object),
    )
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| {
        format!(
            "run {:?} (Debian packages clang-19, llvm-19)",
            command.get_program()
        )
    })?;
    ensure!(status.success(), "{:?} failed", command.get_program());
    Ok(())
}
