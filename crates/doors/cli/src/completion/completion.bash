# bash completion for sampan

_sampan_complete() {
    COMPREPLY=()
    # Bash splits words at colons and equals signs; here a word ends at a blank.
    local words=() word i before line=${COMP_LINE:0:COMP_POINT}
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        before=$line
        line=${line#"${line%%[![:space:]]*}"}
        ((i < COMP_CWORD)) || word=$line
        if ((i > 0)) && [[ $before == "$line" ]]; then
            words[${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
        line=${line#"$word"}
    done
    local cur=${words[${#words[@]}-1]} answer candidate directive=0
    answer=$("${words[0]/#\~/$HOME}" __completeNoDesc "${words[@]:1}" 2>/dev/null) || return 0

    # Only what follows the last colon or equals sign is replaced.
    local kept=""
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then kept=${cur%"${cur##*:}"}; fi
    if [[ $cur == *=* && $COMP_WORDBREAKS == *=* && -z $kept ]]; then kept=${cur%"${cur##*=}"}; fi
    while IFS= read -r candidate; do
        if [[ $candidate == :[0-9]* ]]; then
            directive=${candidate#:}
        elif [[ -n $candidate && $candidate == "$cur"* ]]; then
            COMPREPLY+=("${candidate#"$kept"}")
        fi
    done <<<"$answer"

    # compopt works only while bash completes.
    if ((directive & 2)); then compopt -o nospace 2>/dev/null; fi
    if ((${#COMPREPLY[@]} == 0 && (directive & 4) == 0)); then
        local kind=-f
        if ((directive & 16)); then kind=-d; fi
        compopt -o filenames 2>/dev/null
        while IFS= read -r candidate; do
            COMPREPLY+=("$candidate")
        done < <(compgen $kind -- "${cur#"$kept"}")
    fi
    return 0
}

complete -F _sampan_complete sampan
