#!/bin/sh
# Process 1 of the second machine. It boots on the machine's own root, read-only, and comes here twice: first to lay
# a disk of its own over that root, which outlives a power cut, then, on the new root, to start what a compute host has. The kernel hands over its own
# arguments NODE_LAB, NODE_DIR, NODE_KERNEL and NODE_USER as variables.
# Whatever fails ends process 1 and so the machine, and `up` shows the end of the console.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

first() {
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  # The kernel may have done this by itself.
  mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
  mount -t tmpfs -o mode=755 tmpfs /run
  insmod "$NODE_KERNEL/modules/kernel/fs/overlayfs/overlay.ko"
  mount -t ext4 /dev/ubda /mnt
  cd /mnt
  mkdir -p files tools upper work root lab
  # Mounts of their own: overlayfs refuses one layer that lies inside another.
  mount -t hostfs -o "$NODE_DIR/files" files files
  mount -t hostfs -o "$NODE_KERNEL/tools" tools tools
  mount -t overlay -o lowerdir=files:tools:/,upperdir=upper,workdir=work overlay root
  mkdir -p "root/usr/lib/modules/$(uname -r)"
  mount -t hostfs -o "$NODE_KERNEL/modules" modules "root/usr/lib/modules/$(uname -r)"
  # The machine's own state is none of the node's: not its instances, its databases, its sockets, its people's files.
  for folder in /tmp /home /root /var/tmp; do
    mkdir -p "root$folder"
    mount -t tmpfs tmpfs "root$folder"
  done
  chmod 1777 root/tmp root/var/tmp
  mkdir -p "root$NODE_LAB"
  mount --bind lab "root$NODE_LAB"
  # Ids of processes that a power cut has ended.
  rm -f lab/run/*.pid
  if ! test -e first-boot; then
    rm -rf root/etc/libvirt/qemu/* root/var/lib/libvirt/qemu/*/* root/etc/iscsi/nodes root/etc/iscsi/send_targets \
      root/etc/openvswitch/conf.db* root/var/log/*.log
    touch first-boot
  fi
  exec switch_root /mnt/root /usr/local/sbin/node-init second
}

second() {
  mkdir -p /dev/pts /dev/shm /dev/net /run/lock /run/sshd /run/libvirt /run/openvswitch /run/multipath /run/sudo
  mount -t devpts -o gid=5,mode=620 devpts /dev/pts
  mount -t tmpfs tmpfs /dev/shm
  hostname "$(cat /etc/hostname)"
  home=$(getent passwd "$NODE_USER" | cut -d: -f6)
  install -d -o "$NODE_USER" "$home"
  ip link set lo up
  ip -batch /etc/node/network
  /usr/sbin/sshd -D -e -f /etc/node/sshd_config &
  sshd=$!
  xargs -n 1 modprobe -a < /etc/node/modules
  /lib/systemd/systemd-udevd --daemon
  udevadm trigger --action=add
  iscsid
  test -e /etc/openvswitch/conf.db || ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
  ovsdb-server --detach --pidfile --log-file --no-chdir -vconsole:off \
    --remote=punix:/run/openvswitch/db.sock --remote=ptcp:6640:127.0.0.1 /etc/openvswitch/conf.db
  ovs-vsctl --no-wait init -- set Open_vSwitch . external-ids:system-id="$(hostname)"
  ovs-vswitchd --detach --pidfile --log-file --no-chdir -vconsole:off unix:/run/openvswitch/db.sock
  virtlogd --daemon
  libvirtd --daemon
  touch /run/node-ready
  # Orphans become children of process 1 and are collected here.
  wait "$sshd"
}

"${1:-first}"
