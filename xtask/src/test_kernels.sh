set -eu
# $1: a folder of ours. $2: the test binary of tests/datapath.
folder=$1
tests=$2
cd "$folder"

package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
if [ ! -d "$package" ]; then
    apt-get download --quiet=2 "$package"
    dpkg-deb --extract "$package"_*.deb "$package"
    rm "$package"_*.deb
fi

# A root file system in memory: busybox, the programs that the tests call, their libraries, one module.
rm -rf root
mkdir -p root/bin root/usr/sbin root/proc root/sys root/dev root/tmp root/etc
cp /usr/bin/busybox root/bin/busybox
ln -s busybox root/bin/sh
cp "$tests" root/tests
strip --strip-debug root/tests
for program in ip setpriv ethtool; do cp -L "$(command -v "$program")" root/bin/; done
ln -s /bin/ethtool root/usr/sbin/ethtool
for file in root/tests root/bin/ip root/bin/setpriv root/bin/ethtool; do
    ldd "$file" | awk '/=> \// { print $3 } $1 ~ /^\// { print $1 }'
done | sort -u | while read -r library; do
    mkdir -p "root$(dirname "$library")"
    cp -L "$library" "root$library"
done
find "$package" -name veth.ko -exec cp {} root/veth.ko ';'
cat > root/init <<INIT
#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mkdir -p /sys/fs/cgroup && mount -t cgroup2 cgroup /sys/fs/cgroup
insmod /veth.ko
ip link set lo up
echo "KERNEL \$(uname -r)"
cd /tmp
# Processes that take over from each other would be the gateway's binary, which is not here.
PATH=/bin RUST_BACKTRACE=0 /tests --test-threads=1 --nocapture --skip takeovers
echo "TESTS ENDED WITH \$?"
poweroff -f
INIT
chmod +x root/init
(cd root && find . | cpio --create --format=newc --quiet) > initramfs

timeout 3600 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3G -nographic -no-reboot \
    -kernel "$package"/boot/vmlinuz-* -initrd initramfs \
    -append "console=ttyS0 quiet panic=-1 no_timer_check random.trust_cpu=on" < /dev/null | tee console.log
grep -q "TESTS ENDED WITH 0" console.log
