# A test kernel in XTF's manner: a 64-bit PV domain that says its result, and ends itself.
#
#   as --defsym OUTCOME=0 -o t.o testkernel.s && ld -T testkernel.ld -o t t.o
#
# OUTCOME: 0 SUCCESS, 1 SKIP, 2 ERROR, 3 FAILURE; 4 hangs without a word; 5 crashes without a result.
#
# Sources: xen/include/public/xen.h (hypercall numbers, struct start_info), io/console.h (struct
# xencons_interface), sched.h, event_channel.h, elfnote.h; arch-x86/xen-x86_64.h (a hypercall of a
# 64-bit PV domain is `syscall` with its number in rax; arguments in rdi, rsi, rdx).

.set VIRT_BASE,          0xffffffff80000000
.set M2P,                0xffff800000000000
.set CONSOLE_IO,         18
.set SCHED_OP,           29
.set EVENT_CHANNEL_OP,   32
.set SCHEDOP_YIELD,      0
.set SCHEDOP_SHUTDOWN,   2
.set EVTCHNOP_SEND,      4
.set START_FLAGS,        48     # struct start_info: bit 1 is SIF_INITDOMAIN
.set CONSOLE_MFN,        72
.set CONSOLE_PORT,       80
.set RING_OUT,           1024   # struct xencons_interface
.set RING_OUT_CONS,      3080
.set RING_OUT_PROD,      3084

.macro note type:req, content:vararg
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \content
2:  .balign 4
.endm

.section .note.Xen, "a", @note
    note 6, .asciz "XTF"                # GUEST_OS
    note 8, .asciz "generic"            # LOADER
    note 5, .asciz "xen-3.0"            # XEN_VERSION
    note 3, .quad VIRT_BASE
    note 4, .quad VIRT_BASE             # PADDR_OFFSET: p_paddr in this file is p_vaddr
    note 1, .quad _start                # ENTRY
    note 10, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
    note 9, .asciz "yes"                # PAE_MODE

.text
.globl _start
_start:                                 # rsi: struct start_info; rsp: a stack
    mov     %rsi, %rbx
.if OUTCOME == 4
hang:
    jmp     hang
.endif
.if OUTCOME == 5
    ud2
.endif
    testl   $2, START_FLAGS(%rbx)
    jz      domU

    mov     $CONSOLE_IO, %eax           # dom0 writes to Xen's own console
    xor     %edi, %edi
    mov     $text_end - text, %esi
    mov     $text, %rdx
    syscall
    jmp     over

domU:                                   # others have a ring, whose page is mapped as all the rest
    mov     CONSOLE_MFN(%rbx), %rax
    mov     $M2P, %rcx
    mov     (%rcx, %rax, 8), %rbp
    shl     $12, %rbp
    add     $VIRT_BASE, %rbp
    mov     RING_OUT_PROD(%rbp), %edx
    xor     %ecx, %ecx
put:
    mov     text(%rcx), %al
    lea     (%rdx, %rcx), %edi
    and     $2047, %edi
    mov     %al, RING_OUT(%rbp, %rdi)
    inc     %ecx
    cmp     $text_end - text, %ecx
    jb      put
    add     %ecx, %edx
    mov     %edx, RING_OUT_PROD(%rbp)
    mov     CONSOLE_PORT(%rbx), %eax
    mov     %eax, argument
    mov     $EVENT_CHANNEL_OP, %eax
    mov     $EVTCHNOP_SEND, %edi
    mov     $argument, %rsi
    syscall
read:                                   # until xenconsoled has read it all
    mov     $SCHED_OP, %eax
    xor     %edi, %edi                  # SCHEDOP_YIELD
    xor     %esi, %esi
    syscall
    mov     RING_OUT_CONS(%rbp), %eax
    cmp     RING_OUT_PROD(%rbp), %eax
    jne     read

over:
    movl    $0, argument                # SHUTDOWN_poweroff
    mov     $SCHED_OP, %eax
    mov     $SCHEDOP_SHUTDOWN, %edi
    mov     $argument, %rsi
    syscall
    ud2

.data
argument:
    .long 0
text:
    .ascii "--- Xen Test Framework ---\r\n"
.if OUTCOME == 0
    .ascii "Test result: SUCCESS\r\n"
.elseif OUTCOME == 1
    .ascii "Skip: not here\r\nTest result: SKIP\r\n"
.elseif OUTCOME == 2
    .ascii "Error: cannot tell\r\nTest result: ERROR\r\n"
.else
    .ascii "Fail: two and two are five\r\nTest result: FAILURE\r\n"
.endif
text_end:
