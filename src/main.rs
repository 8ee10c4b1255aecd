//! Hands the arguments to the library and returns its exit code.

fn main() -> std::process::ExitCode {
    kubectl_fluxlayers::run(std::env::args_os())
}
