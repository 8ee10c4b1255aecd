# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_fluxlayers_global_optspecs
    string join \n from= demo repo= path= offline no-repo now= context= kubeconfig= cluster= user= as= as-group= as-uid= as-user-extra= token= s/server= certificate-authority= insecure-skip-tls-verify tls-server-name= request-timeout= n/namespace= A/all-namespaces color= v/verbose h/help V/version
end

function __fish_kubectl_fluxlayers_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_fluxlayers_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_fluxlayers_using_subcommand
    set -l cmd (__fish_kubectl_fluxlayers_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -f -a "status" -d 'Show the layers, and the root causes of what does not come up'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -f -a "why" -d 'Explain why an object is not ready, down to the root causes'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -f -a "reconcile" -d 'Ask the controllers to run, dependencies first, and tell what comes of it'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -f -a "wait" -d 'Wait until everything is up, or fail with the cause'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -f -a "impact" -d 'Tell what waits for an object, would stop without it, or goes with it'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -f -a "snapshot" -d 'Write what status and why read into one file, without secrets'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -f -a "version" -d 'Print the versions of this program, of Flux and of its controllers'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_needs_command" -f -a "completion" -d 'Print the completion script of a shell'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l kind -d 'Kinds to show: ks, hr, rset or all (default: ks, with the causes of every kind)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l state -d 'States to show, such as failed,blocked' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l layer -d 'Show one layer' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -s l -l selector -d 'Show what these labels select, as kubectl does' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -s o -l output -d 'Output: table, wide, json, yaml or name' -r -f -a "table\t'For people'
wide\t'For people, one row an object'
json\t'`fluxlayers/v1`'
yaml\t'The same as YAML'
name\t'One name a line'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l strict -d 'Warnings count as bad'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -s w -l watch -d 'Follow the cluster until Ctrl-C'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l no-headers -d 'Leave the table\'s header away'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -s o -l output -d 'Output: table, json or yaml' -r -f -a "table\t'For people'
json\t'`fluxlayers/v1`'
yaml\t'The same as YAML'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l no-secrets -d 'Read no Secret, not even for its key names'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l kind -d 'Kinds to run: ks, hr or all (default: ks)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l with-source -d 'Refresh the sources first (default: true)' -r -f -a "true\t''
false\t''"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l concurrency -d 'Objects under way at the same time' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l timeout -d 'Time for the whole, such as 10m (default: each object\'s own time-out)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -s o -l output -d 'Output: table or json, a document a line' -r -f -a "table\t'For people: a list that is drawn in place on a terminal, else a line an event'
json\t'`fluxlayers/v1`: a document a line, one for each event'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l ordered -d 'Dependencies first; without OBJECT everything that is not ready at its source\'s revision'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l dependents -d 'Take what depends on OBJECT as well'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l dry-run -d 'Tell what would be done, layer by layer, and do nothing'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l all -d 'Run again what is ready, too'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l fail-fast -d 'Ask nothing more after the first failure'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l force -d 'Install or upgrade HelmReleases even if nothing has changed'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l reset -d 'Let HelmReleases forget their failures'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l no-secrets -d 'Read no Secret to explain what failed, not even for its key names'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand reconcile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l revision -d 'Wait for this revision: a commit or the beginning of one, a digest, or HEAD of the working tree' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l kind -d 'Kinds to wait for: ks, hr or all (default: ks)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l timeout -d 'How long to wait' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -s o -l output -d 'Output: table or json, a document a line' -r -f -a "table\t'For people: a list that is drawn in place on a terminal, else a line an event'
json\t'`fluxlayers/v1`: a document a line, one for each event'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l no-secrets -d 'Read no Secret to explain what failed, not even for its key names'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand wait" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -s o -l output -d 'Output: table, json or yaml' -r -f -a "table\t'For people'
json\t'`fluxlayers/v1`'
yaml\t'The same as YAML'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l delete -d 'Tell what its deletion would take away, too; nothing is deleted'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand impact" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -s f -l output-file -d 'Write to this file; gzip where the name ends in .gz' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -s o -l output -d 'Output: yaml or json (default: what the file\'s name says, else yaml)' -r -f -a "yaml\t'YAML'
json\t'JSON'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l force -d 'Replace the file where it exists'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l no-secrets -d 'Read no Secret, not even for its key names'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -s o -l output -d 'Output: table, json or yaml' -r -f -a "table\t'For people'
json\t'`fluxlayers/v1`'
yaml\t'The same as YAML'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l client -d 'Ask no cluster'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l from -d 'Read a dump: a file, a folder or - (repeatable)' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l repo -d 'Join a Git working tree; repeatable' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l path -d 'Cluster\'s folder in a tree that holds several' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l now -d 'Measure ages from this moment (RFC 3339)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l kubeconfig -d 'Path of the kubeconfig' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l as -d 'User to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l as-group -d 'Group to act as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l as-uid -d 'UID to act as' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l as-user-extra -d 'What more there is to say of who is acted as (repeatable)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l token -d 'Bearer token' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l certificate-authority -d 'File of certificates that may sign that of the API server' -r -F
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l tls-server-name -d 'Host that the certificate of the API server has to name, if not that of its URL' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l request-timeout -d 'Time that one request may take, such as 10s; 0 for no limit (default: 30s)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -s n -l namespace -d 'Look at one namespace (default: all)' -r
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l demo -d 'Use the blocked example cluster that is built in'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l offline -d 'Ask no cluster: read the --repo alone'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l no-repo -d 'Never join the working tree around the current folder'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -l insecure-skip-tls-verify -d 'Trust whoever answers: what is said could be anybody\'s'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -s A -l all-namespaces -d 'Look at all namespaces; this is the default'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -s v -l verbose -d 'Tell more: every cause in full, its evidence, its remedies'
complete -c kubectl-fluxlayers -n "__fish_kubectl_fluxlayers_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
