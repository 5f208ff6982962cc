# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of iov for fish. "iov complete" knows what may come; each line that it prints is
# a word, and behind a tab what the word means.

function __iov_complete
    set -l words (commandline -opc)
    $words[1] complete $words[2..-1] (commandline -ct) 2>/dev/null
end

complete -c iov -f -a '(__iov_complete)'
