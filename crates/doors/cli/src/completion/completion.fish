# fish completion for sampan

function __sampan_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l directive 0
    set -l found 0
    for line in ($words[1] __complete $words[2..-1] $current 2>/dev/null)
        if string match --quiet --regex '^:[0-9]+$' -- $line
            set directive (string sub --start 2 -- $line)
        else if test -n "$line"
            set found 1
            echo $line
        end
    end
    if test $found = 0 -a (math "bitand($directive, 4)") = 0
        __fish_complete_path $current
    end
end

complete --command sampan --no-files --arguments '(__sampan_complete)'
