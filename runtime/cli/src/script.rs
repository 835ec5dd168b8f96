//! From the command line to a plan: reads the query, its parameters and arguments, and compiles it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use clap::{Arg, Args, Command};
use iotq_lang::check::{self, Inputs, ParamDecl};
use iotq_lang::diag::codes::run as code;
use iotq_lang::diag::{Diagnostic, Errors};
use iotq_lang::ir::{Checked, Name};
use iotq_lang::lower::lower;
use iotq_lang::plan::Plan;
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax;
use iotq_lang::syntax::ast::{self, Item, Spanned};

use crate::args::Run;
use crate::report::Failure;

/// A query that has been read, with what the command line gives it.
#[derive(Clone)]
pub struct Script {
    /// The query, then the modules that it uses.
    pub sources: Sources,
    /// Its tree.
    pub tree: ast::Script,
    params: Vec<(String, String)>,
    args: Vec<String>,
}

impl Script {
    /// Reads a query given with `-e`.
    ///
    /// # Errors
    /// If it cannot be parsed.
    pub fn from_expr(lines: &[String], words: &[OsString]) -> Result<Self, Failure> {
        let source = Source {
            name: "<query>".into(),
            text: lines.join("\n"),
        };
        Self::parse(source, words, None)
    }

    /// Reads a file, or standard input for `-`; the words behind it are its parameters and arguments, and options of the
    /// run if there is to be one.
    ///
    /// # Errors
    /// If it cannot be read or parsed, or the words do not fit its parameters.
    pub fn from_file(
        path: &Path,
        words: &[OsString],
        run: Option<&mut Run>,
    ) -> Result<Self, Failure> {
        Self::parse(Self::read(path)?, words, run)
    }

    /// The text of a file, or of standard input for `-`.
    ///
    /// # Errors
    /// If it cannot be read, or is no text.
    pub fn read(path: &Path) -> Result<Source, Failure> {
        let unreadable = |error: io::Error| {
            Failure::plain(
                &code::SCRIPT,
                format!("the script {} cannot be read", path.display()),
                &error,
            )
        };
        let (name, bytes) = if path == Path::new("-") {
            ("<stdin>".to_owned(), read(io::stdin().lock()))
        } else {
            (path.display().to_string(), File::open(path).and_then(read))
        };
        let source = syntax::decode(&name, bytes.map_err(unreadable)?);
        source.map_err(|errors| Failure::new(errors, &Sources::default()))
    }

    /// A text over definitions that were made before; those that it makes anew are left out.
    ///
    /// # Errors
    /// If it cannot be parsed.
    pub fn over(
        text: Source,
        earlier: &[Definition],
        params: Vec<(String, String)>,
    ) -> Result<Self, Failure> {
        let mut sources = Sources(vec![text]);
        let parsed = syntax::parse(&sources.0[0].text);
        let mut tree = parsed.map_err(|errors| Failure::new(errors, &sources))?;
        let own: Vec<String> = tree.items.iter().filter_map(name).collect();
        for definition in earlier.iter().filter(|it| !own.contains(&it.name)) {
            let file = u32::try_from(sources.0.len()).unwrap_or(u32::MAX);
            sources.0.push(definition.source.clone());
            let parsed = syntax::parse_file(&definition.source.text, file);
            let parsed = parsed.map_err(|errors| Failure::new(errors, &sources))?;
            tree.items.extend(parsed.items);
        }
        Ok(Self {
            sources,
            tree,
            params,
            args: Vec::new(),
        })
    }

    fn parse(source: Source, words: &[OsString], run: Option<&mut Run>) -> Result<Self, Failure> {
        let name = source.name.clone();
        let sources = Sources(vec![source]);
        let tree =
            syntax::parse(&sources.0[0].text).map_err(|errors| Failure::new(errors, &sources))?;
        let (params, args) = arguments(&name, &check::params(&tree), words, run);
        Ok(Self {
            sources,
            tree,
            params,
            args,
        })
    }

    /// The definitions of the query's own text, each by itself.
    pub fn definitions(&self) -> Vec<Definition> {
        let own = |item: &&Spanned<Item>| item.span.file == 0;
        let items = self.tree.items.iter().filter(own);
        let definition = |item: &Spanned<Item>| {
            let name = name(item)?;
            let mut text = self.sources.text(item.span).to_owned();
            if let Item::Param(param) = &item.node {
                let help = param.help.iter().map(|line| format!("# {line}\n"));
                text.insert_str(0, &help.collect::<String>());
            }
            let source = Source {
                name: format!("<{name}>"),
                text,
            };
            let item = item.node.clone();
            Some(Definition { name, item, source })
        };
        items.filter_map(definition).collect()
    }

    /// Whether there is something to run.
    pub fn has_statements(&self) -> bool {
        let mut items = self.tree.items.iter();
        items.any(|item| matches!(item.node, Item::Statement(_)))
    }

    /// The text of the statements.
    pub fn statements(&self) -> String {
        let items = self.tree.items.iter();
        let statements = items.filter(|item| matches!(item.node, Item::Statement(_)));
        let texts = statements.map(|item| self.sources.text(item.span));
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The names that it defines, those of its modules included.
    pub fn names(&self) -> Vec<String> {
        check::defined(&self.tree, &stdlib)
    }

    /// Resolves and checks it; `child`: a command is started along with it.
    ///
    /// # Errors
    /// Those of the check.
    pub fn check(&mut self, child: bool) -> Result<Checked, Failure> {
        let inputs = Inputs {
            args: self.args.clone(),
            params: self.params.clone(),
            child,
            modules: &stdlib,
        };
        check::check(&mut self.sources, &self.tree, &inputs)
            .map_err(|errors| Failure::new(errors, &self.sources))
    }

    /// Checks and lowers it. What this build cannot run is refused, with `also` telling what else is wrong with the
    /// names that it mentions.
    ///
    /// # Errors
    /// Those of the check, or of lowering.
    pub fn plan(
        &mut self,
        child: bool,
        also: impl FnOnce(&[Name]) -> Vec<Diagnostic>,
    ) -> Result<Plan, Failure> {
        let checked = self.check(child)?;
        let names = checked.names.clone();
        lower(checked).map_err(|Errors(refused)| {
            let mut errors = also(&names);
            errors.extend(refused);
            Failure::new(Errors(errors), &self.sources)
        })
    }
}

/// A definition with a text of its own.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What it defines: a name, or the module that is used.
    pub name: String,
    /// What it is.
    pub item: Item,
    /// As it was written.
    pub source: Source,
}

/// What an item defines.
fn name(item: &Spanned<Item>) -> Option<String> {
    match &item.node {
        Item::Let(it) | Item::Def(it) => Some(it.name.node.clone()),
        Item::Param(it) => Some(it.name.node.clone()),
        Item::Use(path) => {
            let parts: Vec<&str> = path.iter().map(|part| part.node.as_str()).collect();
            Some(format!("use {}", parts.join(".")))
        }
        Item::Statement(_) => None,
    }
}

/// At most a byte more than is compiled: the compiler then says that it is too large.
fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(syntax::MAX_SOURCE as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The modules of the standard library.
fn stdlib(name: &str) -> Option<String> {
    STDLIB
        .iter()
        .find(|(module, _)| *module == name)
        .map(|(_, text)| (*text).to_owned())
}

/// Name and text of every module of `stdlib/`.
pub const STDLIB: &[(&str, &str)] = &[(
    "stdlib.storage",
    include_str!("../../../stdlib/storage.iotq"),
)];

type Values = (Vec<(String, String)>, Vec<String>);

/// A script's parameters are its options; what is left is `$1`, `$2` …. Ends the process for `--help` and for words that
/// do not fit, as the command line itself does.
fn arguments(
    name: &str,
    declared: &[ParamDecl],
    words: &[OsString],
    run: Option<&mut Run>,
) -> Values {
    let mut command = Command::new(name.to_owned())
        .no_binary_name(true)
        .override_usage(format!("iotq {name} [--PARAM VALUE] [ARGS]"))
        .arg(
            Arg::new("")
                .num_args(0..)
                .value_name("ARGS")
                .help("$1, $2 … of the script"),
        );
    for param in declared {
        let option = Arg::new(param.name.clone())
            .long(param.name.clone())
            .value_name(param.ty.to_uppercase());
        let default = param
            .default
            .as_ref()
            .map(|default| format!(" [default: {default}]"))
            .unwrap_or_default();
        command = command.arg(option.help(format!("{}{default}", param.help)));
    }
    // A parameter takes the place of all options of the run if it has the name of one.
    let own = Run::augment_args(Command::new(""));
    let clash = |arg: &Arg| {
        declared
            .iter()
            .any(|param| arg.get_long() == Some(&*param.name))
    };
    let run = run.filter(|_| !own.get_arguments().any(clash));
    if run.is_some() {
        command = command.args(own.get_arguments());
    }
    let matches = command.get_matches_from(words);
    if let Some(run) = run {
        run.merge(&matches);
    }
    let given = |param: &ParamDecl| {
        matches
            .get_one::<String>(&param.name)
            .map(|value| (param.name.clone(), value.clone()))
    };
    let args = matches.get_many::<String>("").unwrap_or_default();
    (
        declared.iter().filter_map(given).collect(),
        args.cloned().collect(),
    )
}
