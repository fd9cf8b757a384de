#compdef sampan
# zsh completion for sampan

_sampan() {
    local -a described
    local line directive=0
    for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == :<-> ]]; then
            directive=${line#:}
        elif [[ -n $line ]]; then
            local word=${line%%$'\t'*} about=""
            [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
            described+=("${word//:/\\:}:${about}")
        fi
    done
    if (( ${#described} )); then
        local -a options
        (( directive & 2 )) && options=(-S '')
        _describe -V command described "${options[@]}"
    elif (( directive & 16 )); then
        _files -/
    elif (( (directive & 4) == 0 )); then
        _files
    fi
}

if [ "$funcstack[1]" = "_sampan" ]; then
    _sampan "$@"
else
    compdef _sampan sampan
fi
