#include "node/warning.h"

#include "node/cli/i18n.h"

#include <string.h>

static const struct warning warnings[] = {
    {"ACT-ADMIT", SEVERITY_WARNING,
     N_("Two hubs have admitted a node that no roster of the root lists yet. It takes part like any other until a roster lists it, or until one of the two hubs is a hub no more."),
     N_("when you do not know of it, call both hubs; else the next roster should list the node")},
    {"ACT-SUSPEND", SEVERITY_WARNING,
     N_("A hub has suspended a node: nobody speaks with it any more, and what it wrote after the hub's last look at it does not count. A suspended hub still relays, but neither admits nor makes "
        "anything final. The suspension stands until a roster of the root lifts it or removes the node."),
     N_("settle it at the root: griot root roster DIR --lift NAME, or --remove NAME")},
    {"ALONE", SEVERITY_CRITICAL,
     N_("No peer answers. What is recorded here stays here until one does; what others record is not known here. Entry and search go on."),
     N_("look at this machine's network first, then at griot peers: it shows the last error of each address")},
    {"AUDIT-AGAIN", SEVERITY_WARNING,
     N_("A node began a new life of its audit trail, as it does when its home was restored or put back to an older state. What it had written since that state is not in its trail any more; what this node "
        "remembers of it stays."),
     N_("nothing, when you know of the restore; else ask that office who did it, and compare: griot audit --heads here, griot audit --verify --against there")},
    {"AUDIT-BACK", SEVERITY_CRITICAL,
     N_("A node has signed a head of its audit trail that contradicts what it signed before: rows were changed or cut off, or its home was put back to an older state without a new life of the trail."),
     N_("ask that office who did it; griot audit --heads --json here shows what it had named, griot audit --verify --against FILE there shows from which row on the trail differs")},
    {"AUTHOR-SHARE", SEVERITY_WARNING,
     N_("A node of the region has written so much that this node takes no more of it today, so that it cannot fill this disk. What waits is counted as missing; it comes when there is room again. "
        "All other nodes are taken in as always."),
     N_("ask its operator: an import of many years is no fault, a machine gone wild is; griot suspend stops it. author_mib_day of griot.ini sets how much is taken")},
    {"BEHIND", SEVERITY_WARNING, N_("Others hold entries that are missing here. Searches say for which origins they are not complete."), N_("wait; griot lag shows whose entries, and whether the number falls")},
    {"CLOCK-SKEW", SEVERITY_WARNING,
     N_("Most peers see this machine's clock more than ten minutes off. Nothing is refused for that, but what is recorded here bears wrong times, and periods of keeping are counted wrongly."),
     N_("timedatectl set-ntp true; without a network: date -s, by a clock you trust")},
    {"DISK-FULL", SEVERITY_CRITICAL, N_("The disk is below the reserve of griot.ini, so nothing new is stored; reading goes on, and nothing that was stored is lost."),
     N_("free disk space: intake starts again by itself")},
    {"DISK-LOW", SEVERITY_WARNING, N_("Little disk is left before nothing new can be stored."), N_("free disk space, or give the home a larger disk")},
    {"FORK", SEVERITY_WARNING,
     N_("One node has signed two histories in one log: two copies of it have gone on, by accident or by malice. What comes before the place where they part counts; what comes after it does not, "
        "unless most hubs held it already. The node issues its disputed records again in a new log. The proof is kept on every node for good, and so is this warning."),
     N_("griot forks shows which log and what is in dispute; ask that office; at a hub: griot classify")},
    {"GAP-OPEN", SEVERITY_WARNING,
     N_("This node was restored, or brought back from an older state, and what it had recorded since then has not come back from the others yet. Records are entered as ever; files are not imported, "
        "because rows that were imported before would not be known again and would stand twice."),
     N_("connect it and wait until griot status names nothing of this node as missing; when nobody can send anything back: griot import --anyway")},
    {"HUB-LIES", SEVERITY_CRITICAL,
     N_("A hub has signed two statements of what it holds that exclude each other. It lies to some, or its store was brought back from an older copy. What is final rests on what hubs sign."),
     N_("griot forks shows both statements; ask that hub; when it was no restored store, another hub suspends it and the root removes it")},
    {"HUB-SILENT", SEVERITY_CRITICAL,
     N_("Every hub signs a word about itself three times a day. From this one none has arrived here for 20 hours: it is down, or whoever this node is connected with keeps its words back. Then "
        "more than that may be kept back."),
     N_("ask that hub by telephone; if it runs, look at griot peers and reach it by another way")},
    {"INDEX-BEHIND", SEVERITY_WARNING, N_("The index has not followed everything that is stored, so searches do not find all of it yet; they say so."),
     N_("wait; when the number in griot status does not fall: griot rebuild")},
    {"KEYS-OLD", SEVERITY_WARNING, N_("The transport and encryption keys of this node are older than a month. Whoever stole them could still use them."), N_("griot rotate; nobody is locked out by it")},
    {"NOT-JOINED", SEVERITY_CRITICAL, N_("This node holds no roster of its region, so it knows nobody and nobody knows it."), N_("griot join FILE, with the region file that a hub or the root gives out")},
    {"NOT-RUNNING", SEVERITY_CRITICAL, N_("The daemon of this node does not run: nothing is sent or received. Commands answer from the store meanwhile."), N_("griot run, or: systemctl start griot@NAME")},
    {"OWN-AHEAD", SEVERITY_WARNING,
     N_("Another node holds more of this node's own records than this node does. It was restored from an old copy, or a copy of it runs somewhere. The old logs are closed; what the others hold is "
        "fetched back, and new records go into new logs, so that nothing contradicts itself."),
     N_("if a copy of this machine runs, stop it; after a restore there is nothing to do")},
    {"PEER-BEHIND", SEVERITY_WARNING, N_("The link to a peer stands, but what is missing on one side has not moved for half a minute."), N_("griot lag; then griot doctor at the peer")},
    {"PEER-BLOCKED", SEVERITY_WARNING, N_("A peer turns this node away, or this node turns it away: the roster, a key, the version or the disk is the reason that griot peers shows."),
     N_("compare rosters with griot status on both sides; griot join with the newest region file where it is older")},
    {"PEER-CLOCK", SEVERITY_WARNING, N_("The clock of a peer is more than ten minutes off. Nothing is refused for that, but what is recorded there bears wrong times."), N_("tell its operator: timedatectl set-ntp true")},
    {"PEER-SILENT", SEVERITY_WARNING, N_("A peer is not heard. What it records meanwhile is not known here."), N_("is its machine on, and its address right? griot peers NAME shows the address and the last error")},
    {"RELEASE-TOO-OLD", SEVERITY_CRITICAL, N_("The newest roster asks for a session protocol that this release does not speak. Nobody speaks with this node; entry and search go on here."),
     N_("install a newer release of griot; what is recorded meanwhile is sent afterwards")},
    {"ROOT-DISPUTED", SEVERITY_CRITICAL,
     N_("The root has signed two rosters of one number, by error or because its keys were copied. The roster before them rules on, less the members that either removes and with the cuts of both. "
        "Admissions, key changes and roles of neither count, and nobody can be admitted until the root has signed one that names both."),
     N_("tell the holders of the root keys: griot region --out FILE at a hub, then griot root propose DIR --region FILE, which settles it; find out who signed the other one")},
};
enum { WARNINGS = sizeof warnings / sizeof warnings[0] };

const struct warning *warning_of(const char *code)
{
    for (size_t i = 0; i < WARNINGS; i++) {
        if (strcmp(warnings[i].code, code) == 0) {
            return &warnings[i];
        }
    }
    return NULL;
}

const struct warning *warning_at(size_t index) { return index < WARNINGS ? &warnings[index] : NULL; }
