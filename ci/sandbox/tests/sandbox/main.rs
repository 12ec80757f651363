//! Executions for real, in every mode that this machine and user allow.

mod execution;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::Bench;

/// A trial per mode for each test function.
macro_rules! trials {
    ($($module:ident :: $test:ident),* $(,)?) => {{
        let mut trials = Vec::new();
        for (mode, privilege) in support::modes() {
            $({
                let privilege = privilege.clone();
                let name = concat!(stringify!($module), "::", stringify!($test));
                trials.push(Trial::test(format!("{mode}::{name}"), move || {
                    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
                    runtime.block_on($module::$test(Bench::new(mode, privilege)));
                    Ok(())
                }));
            })*
        }
        trials
    }};
}

fn main() -> ExitCode {
    ci_sandbox::init(&[]);
    let arguments = Arguments::from_args();
    let trials = trials![execution::output_and_exit_code_come_back];
    libtest_mimic::run(&arguments, trials).exit_code()
}
