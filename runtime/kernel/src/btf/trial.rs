//! Whether programs may sit at functions with types: some kernels forbid it, and nothing but a trial tells.

use std::error::Error;

use aya::EbpfLoader;
use aya::programs::FEntry;
use iotq_probes::catalogue::{Attach, LAYERS, Layer};
use iotq_probes::object;

use super::KernelTypes;
use crate::loader::loader;

const PROGRAM: &str = "iotq_trial";

impl KernelTypes {
    /// Tries it.
    pub fn try_functions(&self) {
        self.try_functions_of(&mut loader(), LAYERS.iter().copied());
    }

    /// Tries it, if one of these layers has such programs. The loader is one that has loaded nothing yet.
    pub(crate) fn try_functions_of<'t>(
        &'t self,
        loader: &mut EbpfLoader<'t>,
        layers: impl Iterator<Item = &'static Layer>,
    ) {
        let mut hooks = layers.flat_map(Layer::hooks);
        let typed = hooks.find(|hook| {
            let own = self.functions.get(hook.target) == Some(&true);
            own && hook.attach == Attach::Entry
        });
        if let Some(hook) = typed {
            let attached = self.attach(loader, hook.target);
            self.typed_functions.set(attached.is_ok());
        }
    }

    /// Attaches a program that does nothing, for a moment.
    fn attach<'t>(
        &'t self,
        loader: &mut EbpfLoader<'t>,
        function: &str,
    ) -> Result<(), Box<dyn Error>> {
        let mut ebpf = loader.btf(Some(&self.fields)).load(object::trial())?;
        let program = ebpf.program_mut(PROGRAM).ok_or("no program")?;
        let program: &mut FEntry = program.try_into()?;
        program.load(function, &self.hooks)?;
        program.attach()?;
        Ok(())
    }
}
