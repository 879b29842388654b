#!/bin/sh
# sandbox.sh ROOT MEGABYTES PATH... -- DIRECTORY COMMAND ARGUMENT...
#
# Runs COMMAND as Lambda does: a read-only file system that has only PATHs, a private /tmp of MEGABYTES, no /dev/shm,
# an unprivileged user. Called as the root of new user, mount and PID namespaces; ROOT is any empty folder.
# The last command is not exec'ed: this shell stays as process 1, so that signals reach COMMAND as usual.
set -eu
path=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1
megabytes=$2
shift 2

show() {
    if [ -L "$1" ]; then
        mkdir -p "$root${1%/*}"
        ln -s "$(readlink "$1")" "$root$1"
    elif [ -d "$1" ]; then
        mkdir -p "$root$1"
        mount --rbind "$1" "$root$1"
        mount -o remount,bind,ro,nosuid,nodev "$root$1"
    fi
}

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
    show "$1"
    shift
done
cd "$root"
pivot_root . .host
cd /
umount -l /.host
rmdir /.host
mount -o remount,bind,ro,nosuid /
cd "$2"
shift 2
unshare=$(command -v unshare)
env=$(command -v env)
PATH=$path
"$unshare" --user --map-user=993 --map-group=990 -- "$env" -u _ -u SHLVL -u OLDPWD -u PWD "$@"
