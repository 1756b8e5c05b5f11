//! What stands in the place of the sandbox on a system that has none yet: a plain word, and nothing that runs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;
use stockade_ecosystem::Ecosystem;
use stockade_engine::{Behaviour, Clock};

use crate::args::Run;
use crate::errors::hinted;
use crate::inherit::Inherited;
use crate::output::Printer;
use crate::settings::Settings;
use crate::steering::Steering;

/// Nothing can be prepared.
pub(crate) struct Prepared<'a>(Infallible, std::marker::PhantomData<&'a ()>);

/// Nothing runs.
pub(crate) struct Running(Infallible);

/// Nothing happened.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum Report {}

impl Prepared<'_> {
    pub(crate) fn new(_: &Run, _: &Settings, _: &str, _: Option<&Inherited>, _: &Printer) -> anyhow::Result<Self> {
        let what = "there is no sandbox for this system yet; what protects it is the gateway";
        Err(hinted(what, "`--unsandboxed` runs the command through the gateway alone"))
    }

    pub(crate) fn introduction(&self) -> String {
        match self.0 {}
    }

    pub(crate) fn start(
        self,
        _: Steering,
        _: Option<SocketAddr>,
        _: (&Path, Clock),
        _: &Printer,
    ) -> anyhow::Result<Running> {
        match self.0 {}
    }
}

impl Running {
    pub(crate) async fn wait(self, _: &Printer) -> anyhow::Result<(u8, Report)> {
        match self.0 {}
    }
}

impl Report {
    pub(crate) fn behaviour(&self, _: &Ecosystem) -> Vec<Behaviour> {
        match *self {}
    }

    pub(crate) fn sarif(&self) -> anyhow::Result<String> {
        match *self {}
    }

    pub(crate) fn held(&mut self, _: impl Iterator<Item = String>) {
        match *self {}
    }

    pub(crate) fn summary(&self) -> String {
        match *self {}
    }
}
