#compdef tug
# zsh completion for tug
_tug() {
  local line directive="" text
  local -a candidates
  while IFS= read -r line; do
    case "$line" in
      :*) directive="$line" ;;
      *)
        text="${line%%$'\t'*}"
        candidates+=("${text//:/\\:}:${line#*$'\t'}")
        ;;
    esac
  done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  if [[ "$directive" == ":files" ]]; then
    [[ "${words[CURRENT]}" == --*=* ]] && compset -P '*='
    _files
  else
    _describe 'tug' candidates
  fi
}
compdef _tug tug
