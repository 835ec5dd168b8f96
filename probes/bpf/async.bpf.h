/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Operations that no thread waits for: those of io_uring and libaio. Each is a root, found by the kernel's control block of
 * it: both begin with a struct kiocb, so what filesystems and devices are given is known by the same key.
 *
 * Whose a bio is, its thread tells: what it submits for is noted when it begins with an operation, and given up when it has
 * done with it, or at the latest when its system call returns. Workers of io_uring tell what they work on.
 */
#include "arguments.h"
#include "call.h"
#include "fs.bpf.h"

/* Calls in which operations are submitted. */
static __always_inline bool submits(unsigned long number)
{
	return number == NR_IO_URING_ENTER || number == NR_IO_SUBMIT;
}

/* An operation begins, for a guest's request if it has a parent. */
static __noinline int begin_async(__u64 key, struct iotq_syscall *record, __u64 parent)
{
	__u64 owner;

	if (!record)
		return 0;
	if ((__u32)CURRENT(tgid) == iotq_config.self_tgid || !(judge_call(record) || parent))
		return 0;
	owner = begin_call(key, record, CALLER_AWAY);
	if (parent)
		begin_work(owner, parent, 0);
	submit_for(owner);
	return 0;
}

/* An operation ends. What serves it may tell of its own end, before. */
static __noinline int end_async(__u64 key, __u32 number, long ret)
{
	__u32 index;
	struct root *root = held_root(key, &index);

	return root && root->record.call.number == number ? end_call(root, index, number, ret) : 0;
}

/* io_uring: opcodes, of the interface to programs. */
enum { URING_READV = 1, URING_WRITEV = 2, URING_FSYNC = 3, URING_READ_FIXED = 4, URING_WRITE_FIXED = 5,
       URING_SYNC_FILE_RANGE = 8, URING_FALLOCATE = 17, URING_READ = 22, URING_WRITE = 23, URING_FTRUNCATE = 55,
       URING_READV_FIXED = 60, URING_WRITEV_FIXED = 61 };

#define URING_FIXED_FILE 1
/* What lies below the address of a file that is registered. */
#define URING_FILE_BITS 7

static __always_inline __u8 uring_operation(__u8 opcode)
{
	switch (opcode) {
	case URING_READV:
	case URING_READ_FIXED:
	case URING_READ:
	case URING_READV_FIXED:
		return IOTQ_SYSCALL_OP_READ;
	case URING_WRITEV:
	case URING_WRITE_FIXED:
	case URING_WRITE:
	case URING_WRITEV_FIXED:
		return IOTQ_SYSCALL_OP_WRITE;
	case URING_FSYNC:
		return IOTQ_SYSCALL_OP_FSYNC;
	case URING_SYNC_FILE_RANGE:
		return IOTQ_SYSCALL_OP_SYNC;
	case URING_FALLOCATE:
		return IOTQ_SYSCALL_OP_ALLOCATE;
	case URING_FTRUNCATE:
		return IOTQ_SYSCALL_OP_TRUNCATE;
	default:
		return 0;
	}
}

static __always_inline bool uring_vector(__u8 opcode)
{
	return opcode == URING_READV || opcode == URING_WRITEV || opcode == URING_READV_FIXED ||
	       opcode == URING_WRITEV_FIXED;
}

/* A file that is registered with a ring. */
static __always_inline struct file *registered_file(struct io_ring_ctx *ring, __u32 number)
{
	struct io_ring_ctx___files *old = (void *)ring;
	unsigned long file;

	if (bpf_core_field_exists(ring->file_table.data)) {
		__u64 nodes = (__u64)BPF_CORE_READ(ring, file_table.data.nodes);
		struct io_rsrc_node *node = READ(struct io_rsrc_node *, nodes + number * sizeof(node));

		file = BPF_CORE_READ(node, file_ptr);
	} else {
		__u64 files = (__u64)BPF_CORE_READ(old, file_table.files);

		file = READ(unsigned long, files + number * sizeof(struct io_fixed_file));
	}
	return (void *)(file & ~(unsigned long)URING_FILE_BITS);
}

/* What is read or written, and where. At -1 it is at the file's position. */
static __always_inline void describe_rw(struct iotq_syscall *record, struct io_rw *rw, bool vector)
{
	__u32 len = BPF_CORE_READ(rw, len);
	__s64 offset = BPF_CORE_READ(rw, kiocb.ki_pos);

	if (offset != -1)
		record->offset = offset;
	record->size = vector ? vector_size(BPF_CORE_READ(rw, addr), len) : len;
}

/* Where the data begin, of an operation that has some. */
static __always_inline __u64 uring_data(struct io_rw *rw, bool vector)
{
	__u64 at = BPF_CORE_READ(rw, addr);

	return vector ? READ_USER(__u64, at) : at;
}

static __noinline int begin_uring(struct io_kiocb *req)
{
	__u64 key = ASYNC_KEY(identity_at((__u64)req)), parent = 0;
	struct iotq_syscall record = {};
	struct file *file;
	__u8 opcode, op;
	__s32 fd;

	if (!req)
		return 0;
	submit_for(0);
	close_unseen(key);
	opcode = BPF_CORE_READ(req, opcode);
	op = uring_operation(opcode);
	if (!op)
		return 0;
	if (!describe_caller(&record, IOTQ_NUMBER_URING, op) && !iotq_config.follow_guests)
		return 0;
	fd = BPF_CORE_READ(req, cqe.fd);
	if (BPF_CORE_READ(req, flags) & URING_FIXED_FILE) {
		file = registered_file(BPF_CORE_READ(req, ctx), fd);
	} else {
		record.fd = fd;
		file = file_of(fd);
	}
	if (!describe_file(&record, file, true))
		return 0;
	if (record.op == IOTQ_SYSCALL_OP_READ || record.op == IOTQ_SYSCALL_OP_WRITE) {
		describe_rw(&record, (void *)req, uring_vector(opcode));
	} else if (record.op == IOTQ_SYSCALL_OP_SYNC || record.op == IOTQ_SYSCALL_OP_ALLOCATE) {
		record.offset = BPF_CORE_READ((struct io_sync *)req, off);
		record.size = BPF_CORE_READ((struct io_sync *)req, len);
	} else {
		record.offset = IOTQ_NULL64;
	}
	if (iotq_config.follow_guests)
		parent = guest_of(record.op, uring_data((void *)req, uring_vector(opcode)), fd, record.offset,
				  record.size);
	return begin_async(key, &record, parent);
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(iotq_uring_submit, struct io_kiocb *req)
{
	return begin_uring((void *)number(req));
}

/* Before 6.3. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(iotq_uring_submit_2, struct io_kiocb *req, bool force_nonblock)
{
	return begin_uring((void *)number(req));
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(iotq_uring_complete, struct io_ring_ctx *ring, void *req, struct io_uring_cqe *cqe)
{
	return end_async(ASYNC_KEY(identity_at((__u64)req)), IOTQ_NUMBER_URING, cqe->res);
}

/* Before 6.13 or so. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(iotq_uring_complete_7, void *ring, void *req, __u64 user_data, int res)
{
	return end_async(ASYNC_KEY(identity_at((__u64)req)), IOTQ_NUMBER_URING, res);
}

/* The thread is about to wait: all that it had to submit is submitted. */
SEC("tp_btf/io_uring_cqring_wait")
int BPF_PROG(iotq_uring_wait)
{
	submit_for(0);
	return 0;
}

/* Once more, or by a worker. */
SEC("fentry/io_issue_sqe")
int BPF_PROG(iotq_uring_issue, struct io_kiocb *req)
{
	submit_for(owner_by_key(ASYNC_KEY(identity(req))));
	return 0;
}

SEC("fexit/io_issue_sqe")
int BPF_PROG(iotq_uring_issued, struct io_kiocb *req)
{
	submit_for(0);
	return 0;
}

static __always_inline __u64 guest_of_aio(const struct iotq_syscall *record, struct iocb *asked, bool vector)
{
	__u64 data = asked->aio_buf;

	if (!iotq_config.follow_guests)
		return 0;
	return guest_of(record->op, vector ? READ_USER(__u64, data) : data, record->fd, record->offset, record->size);
}

/* Called for reads and writes, when their file is known. */
SEC("fentry/aio_prep_rw")
int BPF_PROG(iotq_aio_begin, struct kiocb *iocb, struct iocb *asked)
{
	struct iotq_syscall record = {};
	__u16 opcode = asked->aio_lio_opcode;
	__u64 key = ASYNC_KEY(identity(iocb));
	struct file *file = iocb->ki_filp;
	__u8 op;

	submit_for(0);
	close_unseen(key);
	op = opcode == AIO_PREAD || opcode == AIO_PREADV ? IOTQ_SYSCALL_OP_READ : IOTQ_SYSCALL_OP_WRITE;
	if (!describe_caller(&record, IOTQ_NUMBER_AIO, op) && !iotq_config.follow_guests)
		return 0;
	record.fd = asked->aio_fildes;
	if (!describe_file(&record, (void *)number(file), false))
		return 0;
	record.offset = asked->aio_offset;
	record.size = asked->aio_nbytes;
	if (opcode == AIO_PREADV || opcode == AIO_PWRITEV)
		record.size = vector_size(asked->aio_buf, asked->aio_nbytes);
	return begin_async(key, &record,
			   guest_of_aio(&record, asked, opcode == AIO_PREADV || opcode == AIO_PWRITEV));
}

SEC("fentry/aio_complete_rw")
int BPF_PROG(iotq_aio_complete, struct kiocb *iocb, long res)
{
	return end_async(ASYNC_KEY(identity(iocb)), IOTQ_NUMBER_AIO, res);
}

/* Where the data of an operation begin, whose file descriptor is not known. */
static __always_inline __u64 guest_of_dio(const struct iotq_syscall *record, struct iov_iter *iter)
{
	struct iov_iter___iov *old = (void *)iter;
	__u64 data;

	if (!iotq_config.follow_guests)
		return 0;
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    BPF_CORE_READ(iter, iter_type) == bpf_core_enum_value(enum iter_type, ITER_UBUF))
		data = (__u64)BPF_CORE_READ(iter, ubuf);
	else if (bpf_core_field_exists(iter->__iov))
		data = (__u64)BPF_CORE_READ(iter, __iov, iov_base);
	else
		data = (__u64)BPF_CORE_READ(old, iov, iov_base);
	return guest_of(record->op, data, IOTQ_NULL32, record->offset, record->size);
}

/*
 * Where functions cannot be hooked, iomap tells of the direct I/O of filesystems. Of all that it serves (also kernel threads,
 * such as those of loop devices) libaio's is what is submitted by io_submit, and not waited for.
 */
static __always_inline int dio_begins(struct kiocb *iocb, struct iov_iter *iter, unsigned long done)
{
	__u64 key = ASYNC_KEY(identity(iocb));
	struct iotq_syscall record = {};
	struct pt_regs *regs;
	struct root *root;
	__u32 index;
	__u8 op;

	/* It is waited for, as most of it is. */
	if (!iocb->ki_complete)
		return 0;
	root = held_root(key, &index);
	/* An operation of io_uring, or one that is served in several parts. */
	if (root && (done || root->record.call.number == IOTQ_NUMBER_URING)) {
		submit_for(owner_by_key(key));
		return 0;
	}
	submit_for(0);
	if (root)
		give_up_unseen(root, index);
	regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	if (regs->orig_ax != NR_IO_SUBMIT)
		return 0;
	op = iter->data_source ? IOTQ_SYSCALL_OP_WRITE : IOTQ_SYSCALL_OP_READ;
	if (!describe_caller(&record, IOTQ_NUMBER_AIO, op) && !iotq_config.follow_guests)
		return 0;
	record.offset = iocb->ki_pos;
	record.size = iter->count;
	if (!describe_file(&record, (void *)number(iocb->ki_filp), false))
		return 0;
	return begin_async(key, &record, guest_of_dio(&record, iter));
}

SEC("tp_btf/iomap_dio_rw_begin")
int BPF_PROG(iotq_dio_begin, struct kiocb *iocb, struct iov_iter *iter, unsigned int flags, unsigned long done)
{
	dio_begins(iocb, iter, done);
	return iotq_config.tells_direct ? begin_direct(number(iocb), number(iter), number(ctx)) : 0;
}

SEC("tp_btf/iomap_dio_rw_queued")
int BPF_PROG(iotq_dio_queued)
{
	submit_for(0);
	return iotq_config.tells_direct ? leave_direct() : 0;
}

SEC("tp_btf/iomap_dio_complete")
int BPF_PROG(iotq_dio_complete, struct kiocb *iocb, int error, long ret)
{
	if (iocb->ki_complete)
		end_async(ASYNC_KEY(identity(iocb)), IOTQ_NUMBER_AIO, ret);
	return iotq_config.tells_direct ? end_direct(number(iocb), ret) : 0;
}
