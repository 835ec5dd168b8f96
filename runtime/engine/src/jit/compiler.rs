//! Expressions to functions.

use std::fmt::Write;
use std::sync::Arc;

use cranelift_codegen::Context;
use cranelift_codegen::ir::{AbiParam, types};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, default_libcall_names};
use iotq_lang::ir::{Expr, ExprKind};
use iotq_probes::catalogue::Layer;

use super::Unsupported;
use super::computed::{Computed, Condition};
use super::emit::Emitter;
use super::entry::{Code, Draft, Function, Helper, Kind, helpers, register};
use crate::Clock;

/// The most parts of an expression that is compiled.
const MAX_PARTS: usize = 2000;

/// What an expression is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Whether it holds.
    Condition,
    /// Its value.
    Value,
}

/// Makes native code; of nothing, and at no cost, as long as nothing asks for it.
pub struct Compiler {
    clock: Clock,
    workshop: Option<Result<Box<Workshop>, Unsupported>>,
}

/// What cranelift needs.
struct Workshop {
    code: Arc<Code>,
    /// In the order of [`Helper`].
    helpers: Vec<FuncId>,
    context: Context,
    functions: FunctionBuilderContext,
}

impl Compiler {
    /// A compiler for records of this clock.
    pub fn new(clock: Clock) -> Self {
        let workshop = None;
        Self { clock, workshop }
    }

    /// Whether nothing has been compiled, and nothing been paid.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.workshop.is_none()
    }

    /// A condition on records of a layer, compiled if it can be.
    pub fn condition(&mut self, layer: &'static Layer, expr: &Expr) -> Condition {
        Condition {
            expr: expr.clone(),
            native: self.compile(layer, expr, Use::Condition),
        }
    }

    /// A value of records of a layer, compiled if it can be. What is only read or known is left to the evaluator, which is
    /// as fast.
    pub fn value(&mut self, layer: &'static Layer, expr: &Expr) -> Computed {
        Computed {
            expr: expr.clone(),
            native: self.compile(layer, expr, Use::Value),
        }
    }

    /// The code for an expression, for people: cranelift's own form, and the instructions of this machine.
    ///
    /// # Errors
    ///
    /// If it is left to the evaluator.
    pub fn list(
        &mut self,
        layer: &'static Layer,
        expr: &Expr,
        wanted: Use,
    ) -> Result<String, Unsupported> {
        let clock = self.clock;
        let workshop = self.workshop(expr, wanted)?;
        let mut listing = String::new();
        workshop.define(layer, clock, expr, wanted, Some(&mut listing))?;
        Ok(listing)
    }

    fn compile(
        &mut self,
        layer: &'static Layer,
        expr: &Expr,
        wanted: Use,
    ) -> Result<Function, Unsupported> {
        let clock = self.clock;
        let workshop = self.workshop(expr, wanted)?;
        let draft = workshop.define(layer, clock, expr, wanted, None)?;
        Ok(workshop.code.function(draft))
    }

    /// Where an expression can be compiled, if it is worth it.
    fn workshop(&mut self, expr: &Expr, wanted: Use) -> Result<&mut Workshop, Unsupported> {
        if let (Use::Value, ExprKind::Field(_) | ExprKind::Const(_)) = (wanted, &expr.kind) {
            return Err(Unsupported::Plain);
        }
        if parts(expr) > MAX_PARTS {
            return Err(Unsupported::TooLarge);
        }
        let workshop = self.workshop.get_or_insert_with(Workshop::new);
        workshop.as_deref_mut().map_err(|why| why.clone())
    }
}

impl Workshop {
    fn new() -> Result<Box<Self>, Unsupported> {
        let machine = |why: &dyn ToString| Unsupported::Machine(why.to_string());
        let mut flags = settings::builder();
        let verify = if cfg!(debug_assertions) {
            "true"
        } else {
            "false"
        };
        for (name, value) in [
            ("opt_level", "speed"),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            ("unwind_info", "false"),
            ("enable_verifier", verify),
        ] {
            flags.set(name, value).map_err(|error| machine(&error))?;
        }
        let isa = cranelift_native::builder().map_err(|error| machine(&error))?;
        let isa = isa.finish(settings::Flags::new(flags));
        let isa = isa.map_err(|error| machine(&error))?;
        if isa.pointer_bits() != 64 {
            return Err(machine(&"it has no 64 bits"));
        }
        let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
        register(&mut builder);
        let mut module = JITModule::new(builder);
        let mut ids = Vec::new();
        for (name, _, args, result) in helpers() {
            let mut signature = module.make_signature();
            signature.params = args.iter().map(|&ty| AbiParam::new(ty)).collect();
            signature.returns = result.into_iter().map(AbiParam::new).collect();
            ids.push(module.declare_function(name, Linkage::Import, &signature)?);
        }
        Ok(Box::new(Self {
            context: module.make_context(),
            code: Code::new(module),
            helpers: ids,
            functions: FunctionBuilderContext::new(),
        }))
    }

    fn define(
        &mut self,
        layer: &'static Layer,
        clock: Clock,
        expr: &Expr,
        wanted: Use,
        listing: Option<&mut String>,
    ) -> Result<Draft, Unsupported> {
        let code = Arc::clone(&self.code);
        let mut module = code.module();
        // A function that was given up leaves its parts behind.
        module.clear_context(&mut self.context);
        self.context.set_disasm(listing.is_some());
        self.functions = FunctionBuilderContext::new();
        let signature = &mut self.context.func.signature;
        signature.params = vec![AbiParam::new(types::I64); 3];
        signature.returns = vec![AbiParam::new(types::I8)];
        let record = length(layer, expr);
        let Emitted { kind, makes, calls } = self.emit(&mut module, layer, clock, expr, wanted)?;
        let before = listing.is_some().then(|| self.context.func.to_string());
        let id = module.declare_anonymous_function(&self.context.func.signature)?;
        module.define_function(id, &mut self.context)?;
        module.finalize_definitions()?;
        if let (Some(listing), Some(before)) = (listing, before) {
            let code = self.context.compiled_code();
            let machine = code.and_then(|code| code.vcode.as_deref());
            list(listing, &before, &calls, machine.unwrap_or_default());
        }
        Ok(Draft {
            id,
            kind,
            record,
            makes,
        })
    }

    fn emit(
        &mut self,
        module: &mut JITModule,
        layer: &'static Layer,
        clock: Clock,
        expr: &Expr,
        wanted: Use,
    ) -> Result<Emitted, Unsupported> {
        let mut builder = FunctionBuilder::new(&mut self.context.func, &mut self.functions);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let &[record, cell, room] = builder.block_params(entry) else {
            return Err(Unsupported::Machine("three parameters".into()));
        };
        let mut emitter = Emitter {
            builder,
            module,
            helpers: &self.helpers,
            calls: Vec::new(),
            layer,
            length: length(layer, expr),
            clock,
            record,
            room,
            taken: 0,
        };
        let kind = match wanted {
            Use::Condition => emitter.finish_condition(expr).map(|()| Kind::Bool),
            Use::Value => emitter.finish_value(expr, cell),
        }?;
        let Emitter {
            mut builder,
            calls,
            taken,
            ..
        } = emitter;
        builder.seal_all_blocks();
        builder.finalize();
        let calls = calls
            .into_iter()
            .map(|(helper, callee)| (callee.to_string(), helper));
        Ok(Emitted {
            kind,
            makes: taken > 0,
            calls: calls.collect(),
        })
    }
}

/// What came of an expression.
struct Emitted {
    kind: Kind,
    makes: bool,
    /// How the code calls what of ours.
    calls: Vec<(String, Helper)>,
}

/// Cranelift's own form of a function, and the instructions of this machine.
fn list(out: &mut String, function: &str, calls: &[(String, Helper)], machine: &str) {
    for (callee, helper) in calls {
        let _ = writeln!(out, "; {callee} is {}", helpers()[*helper as usize].0);
    }
    let _ = writeln!(out, "{}\n\n{}", function.trim_end(), machine.trim_end());
}

/// Bytes of the layer's records that an expression reads: with what only followed operations have, if it asks for that.
fn length(layer: &Layer, expr: &Expr) -> usize {
    let mut followed = false;
    expr.walk(&mut |each| followed |= each.reads().is_some_and(|it| it.field.followed));
    let whole = layer.root.filter(|_| followed);
    whole.or(layer.record).unwrap_or(0)
}

/// How large an expression is.
fn parts(expr: &Expr) -> usize {
    let mut parts = 0;
    expr.walk(&mut |each| {
        parts += match &each.kind {
            ExprKind::In(_, set) => set.len(),
            _ => 1,
        }
    });
    parts
}
