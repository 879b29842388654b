#!/bin/sh
# sandbox.sh ROOT MEGABYTES PATH... -- DIRECTORY COMMAND ARGUMENT...
#
# Runs COMMAND as Lambda does: a read-only file system that has only PATHs, a private /tmp of MEGABYTES, no /dev/shm,
# an unprivileged user. Called as the root of new user, mount and PID namespaces; ROOT is any empty folder. A PATH `/=TREE`
# shows what is in TREE as if TREE were the root: a whole system that COMMAND runs on instead of this machine's.
# The last command is not exec'ed: this shell stays as process 1, so that signals reach COMMAND as usual.
set -eu
path=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1
megabytes=$2
other_system=
shift 2

# show PATH PLACE
show() {
    if [ -L "$1" ]; then
        mkdir -p "$root${2%/*}"
        ln -s "$(readlink "$1")" "$root$2"
    elif [ -d "$1" ]; then
        mkdir -p "$root$2"
        mount --rbind "$1" "$root$2"
        mount -o remount,bind,ro,nosuid,nodev "$root$2"
    fi
}

show_system() {
    other_system=yes
    for entry in "$1"/* "$1"/.[!.]*; do
        case ${entry##*/} in
        proc | dev | tmp | sys) ;;
        *) show "$entry" "/${entry##*/}" ;;
        esac
    done
}

ip link set lo up 2>/dev/null || : # a network namespace of its own begins without
mount -t tmpfs -o mode=0755,nosuid tmpfs "$root"
mkdir "$root/proc" "$root/dev" "$root/tmp" "$root/.host"
mount -t proc proc "$root/proc"
mount -t tmpfs -o "mode=1777,nosuid,nodev,size=${megabytes}m" tmpfs "$root/tmp"
for device in null zero full random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
while [ "$1" != -- ]; do
    case $1 in
    /=*) show_system "${1#/=}" ;;
    *) show "$1" "$1" ;;
    esac
    shift
done
directory=$2
shift 2
if [ "$other_system" ]; then
    # Only this machine's tools are sure to be there: the other system may have neither mount nor unshare.
    rmdir "$root/.host"
    mount -o remount,bind,ro,nosuid "$root"
    unshare=$(command -v unshare)
    PATH=$path
    "$unshare" --user --map-user=993 --map-group=990 --root="$root" --wd="$directory" -- \
        env -u _ -u SHLVL -u OLDPWD -u PWD "$@"
    exit
fi
cd "$root"
pivot_root . .host
cd /
umount -l /.host
rmdir /.host
mount -o remount,bind,ro,nosuid /
cd "$directory"
unshare=$(command -v unshare)
env=$(command -v env)
PATH=$path
"$unshare" --user --map-user=993 --map-group=990 -- "$env" -u _ -u SHLVL -u OLDPWD -u PWD "$@"
