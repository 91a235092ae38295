# bash completion for tug
_tug() {
  local line directive="" current="${COMP_WORDS[COMP_CWORD]}"
  local -a words=() candidates=()
  COMPREPLY=()
  # bash splits words at ":" and "=": put those of image names and flags together again.
  local i
  for ((i = 1; i <= COMP_CWORD; i++)); do
    local word="${COMP_WORDS[i]}" last=$((${#words[@]} - 1))
    if [[ $last -ge 0 && ($word == [:=] || ${COMP_WORDS[i - 1]} == [:=]) ]]; then
      words[last]+="$word"
    else
      words+=("$word")
    fi
  done
  local whole="${words[${#words[@]} - 1]}"
  while IFS= read -r line; do
    case "$line" in
      :*) directive="$line" ;;
      *) candidates+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null)
  if [[ $directive == ":files" ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "${current#[:=]}")
    return
  fi
  # What stands before the last ":" or "=" is on the line already.
  local known="${whole%"${current#[:=]}"}"
  for line in "${candidates[@]}"; do COMPREPLY+=("${line#"$known"}"); done
}
complete -F _tug tug
