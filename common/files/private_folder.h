// Folders of this user alone in places that others can write to: /tmp.
#pragma once

#include <string>

#include "common/base/status.h"

namespace deit::files {

// Makes it with mode 0700; its parent exists. One that is there already must be a folder of this user, no link, and with no rights for
// others (FailedPrecondition): another user may have prepared it.
Status MakePrivateFolder(const std::string& path);

// Removes it with all it holds; nothing there is fine. FailedPrecondition for a link and for what is another user's. Below it links are
// removed, not followed, and no path is looked up twice, so that nothing else can be put in its place meanwhile.
Status RemovePrivateFolder(const std::string& path);

}  // namespace deit::files
