# Completion of dmpm's commands and options in bash. Installed as
# /usr/share/bash-completion/completions/dmpm, where bash finds it by itself.

# The values that the option $1 may have, one a line; nothing for those that are names or numbers.
_dmpm_values() {
  case $1 in
    --sort) printf '%s\n' name state workers in-flight queued starts failures memory cpu ;;
    --state) printf '%s\n' asleep awake backing-off leaving ;;
    --preset) printf '%s\n' static php apache node python ;;
    --user) compgen -u ;;
  esac
}

_dmpm_options() {
  case $1 in
    check | run) echo --config --help ;;
    add-site)
      echo --user --document-root --preset --certificate --key --group --runtime-directory --config --help
      ;;
    explain) echo --runtime-directory --config --help ;;
    reload | upgrade | stop) echo --runtime-directory --help ;;
    status) echo --runtime-directory --json --watch --workers --group --state --sort --help ;;
  esac
}

_dmpm() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "check run add-site explain reload status upgrade stop --help --version" -- "$current")
    return
  fi
  case $previous in
    --config | --certificate | --key)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --runtime-directory | --document-root)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --sort | --state | --preset | --user)
      mapfile -t COMPREPLY < <(compgen -W "$(_dmpm_values "$previous")" -- "$current")
      return
      ;;
    --group) return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$(_dmpm_options "${COMP_WORDS[1]}")" -- "$current")
}

complete -F _dmpm dmpm
