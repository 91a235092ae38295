# fish completion for tug
function __tug_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    switch $line
      case ':files'
        set -l flag (string match -r -- '^--[^=]+=' (commandline -ct))
        for path in (__fish_complete_path (string replace -r -- '^--[^=]+=' '' (commandline -ct)))
          echo "$flag$path"
        end
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c tug -f -a '(__tug_complete)'
