//! Hands the arguments to the library and returns its exit code.

#[allow(clippy::disallowed_methods, reason = "this is where the arguments are handed on")]
fn main() -> std::process::ExitCode {
    kubectl_fluxlayers::run(std::env::args_os())
}
